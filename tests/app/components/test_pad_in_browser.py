"""The drawing pad in a real browser."""

import pytest
from playwright.sync_api import Browser, Page, expect

from app.components.pad import MAX_STROKES
from tests.support.app.drawing_pad import at, button, shade_at
from tests.support.browser import PAD_WIDTH, TROUSERS, answered, draw, surface

SQUARE = [(100, 100), (300, 100), (300, 300), (100, 300)]
MIDDLE = (200, 200)


def test_drawn_trousers_are_classified(pad: Page) -> None:
    draw(pad, TROUSERS)
    answer = answered(pad, 1)
    expect(answer.locator(".label")).to_have_text("Trouser")
    expect(answer.get_by_alt_text("What the model sees")).to_be_visible()
    expect(pad.locator(".st-key-drawing_answer")).to_contain_text("answered in")


def test_a_line_that_closes_itself_is_filled_unless_that_is_switched_off(pad: Page) -> None:
    draw(pad, SQUARE)
    assert shade_at(pad, MIDDLE) == 255
    button(pad, "Clear").click()
    assert shade_at(pad, MIDDLE) == 0
    pad.get_by_role("switch", name="Fill shapes").uncheck()
    draw(pad, SQUARE)
    assert shade_at(pad, MIDDLE) == 0
    assert shade_at(pad, SQUARE[0]) == 255


def test_the_handle_of_a_bag_stays_open(pad: Page) -> None:
    draw(pad, [(48, 168), (400, 168), (420, 396), (28, 396)])
    draw(pad, [(200, 180), (200, 60), (260, 60), (260, 180)], close=False)  # narrow: ends near
    draw(pad, [(60, 168), (80, 100), (150, 90), (170, 168)], close=False)
    assert shade_at(pad, (224, 300)) == 255
    assert shade_at(pad, (230, 120)) == 0
    assert shade_at(pad, (115, 130)) == 0


def test_an_outline_of_several_strokes_stays_an_outline(pad: Page) -> None:
    draw(pad, SQUARE[:3], close=False)
    draw(pad, [SQUARE[2], SQUARE[3], SQUARE[0]], close=False)
    assert shade_at(pad, MIDDLE) == 0


def test_what_is_inside_a_shape_stays(pad: Page) -> None:
    pad.keyboard.press("4")
    draw(pad, [(150, 150), (250, 150), (250, 250), (150, 250)])  # a pocket, drawn first
    draw(pad, [(280, 150), (280, 180)], close=False)  # a seam
    pad.keyboard.press("1")
    draw(pad, SQUARE)
    assert shade_at(pad, MIDDLE) == 75
    assert shade_at(pad, (280, 165)) == 75
    assert shade_at(pad, (120, 120)) == 255
    pad.keyboard.press("4")
    draw(pad, [(110, 270), (140, 270), (140, 295), (110, 295)])  # a pocket, drawn last
    assert shade_at(pad, (110, 280)) == 75
    assert shade_at(pad, (125, 283)) == 255


def test_what_was_erased_stays_erased(pad: Page) -> None:
    draw(pad, SQUARE)
    button(pad, "Eraser").click()
    draw(pad, [MIDDLE, (210, 210)], close=False)
    assert shade_at(pad, MIDDLE) == 0
    button(pad, "Eraser").click()
    draw(pad, [(320, 100), (420, 100), (420, 200), (320, 200)])
    assert shade_at(pad, (370, 150)) == 255
    assert shade_at(pad, MIDDLE) == 0


def test_shades_can_be_chosen(pad: Page) -> None:
    pad.get_by_role("radio", name="Dark grey").check()
    draw(pad, SQUARE)
    assert shade_at(pad, MIDDLE) == 75


def test_undo_reverts_a_stroke_and_a_clear(pad: Page) -> None:
    expect(button(pad, "Undo")).to_be_disabled()
    draw(pad, SQUARE)
    button(pad, "Clear").click()
    button(pad, "Undo").click()
    assert shade_at(pad, MIDDLE) == 255
    button(pad, "Undo").click()
    assert shade_at(pad, MIDDLE) == 0
    expect(pad.get_by_text("Your answer appears here")).to_be_visible()


def press_pointer(page: Page, kind: str, point: tuple[int, int], *, moved: int = 0) -> None:
    """Touch the pad with a mouse, a finger or a pen, and lift it `moved` pixels further."""
    x, y = at(page, point)
    if kind == "mouse":
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + moved, y)
        page.mouse.up()
        return
    devtools = page.context.new_cdp_session(page)
    if kind == "touch":
        touches = [{"x": x, "y": y}]
        devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": touches})
        devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        return
    pen = {"button": "left", "clickCount": 1, "pointerType": "pen"}
    for event, beyond in (("mousePressed", 0), ("mouseReleased", moved)):
        devtools.send("Input.dispatchMouseEvent", {"type": event, "x": x + beyond, "y": y, **pen})


@pytest.mark.parametrize(
    ("kind", "moved"), [("mouse", 0), ("mouse", 1), ("touch", 0), ("pen", 0), ("pen", 1)]
)
def test_a_tap_draws_a_dot(browser: Browser, app_url: str, kind: str, moved: int) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, has_touch=True)
    page = context.new_page()
    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    press_pointer(page, kind, MIDDLE, moved=moved)
    answered(page, 1)
    assert shade_at(page, MIDDLE) == 255
    assert shade_at(page, (MIDDLE[0] + 6, MIDDLE[1])) > 200  # the brush is 14 wide
    assert shade_at(page, (MIDDLE[0] + 12, MIDDLE[1])) == 0
    context.close()


def test_the_brush_is_shown_as_large_as_it_draws(pad: Page) -> None:
    ring = pad.locator(".st-key-pad .ring")
    expect(ring).to_be_hidden()
    pad.mouse.move(*at(pad, MIDDLE))
    expect(ring).to_be_visible()
    before = ring.bounding_box()
    pad.get_by_label("Brush size").fill("56")
    pad.mouse.move(*at(pad, (210, 200)))
    after = ring.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == pytest.approx(4 * before["width"], rel=0.05)


def test_what_is_all_erased_has_no_answer(pad: Page) -> None:
    draw(pad, [(100, 200), (300, 200)], close=False)
    answered(pad, 1)
    pad.get_by_label("Brush size").fill("64")
    button(pad, "Eraser").click()
    draw(pad, [(60, 200), (340, 200)], close=False)
    expect(pad.get_by_text("Nothing drawn")).to_be_visible()
    expect(pad.locator(".answer")).to_have_count(0)
    expect(surface(pad)).to_have_attribute("aria-label", "Drawing pad, empty")
    pad.keyboard.press("Control+z")
    answered(pad, 3)


def scribble(page: Page, points: int, stroke: int, *, times: int = 1) -> None:
    """Strokes of many points, as fast as a script can: rows, tilted more for each `stroke`."""
    surface(page).evaluate(
        """(canvas, [count, stroke, times]) => {
            const box = canvas.getBoundingClientRect();
            const send = (kind, i) => {
                const row = Math.floor(i / 100);
                const along = row % 2 ? 100 - (i % 100) : i % 100;
                const x = 20 + 4 * along;
                const y = 10 + ((row * 7 + along * 0.2 + stroke * 3) % 420);
                canvas.dispatchEvent(new PointerEvent(kind, {
                    pointerId: 1, button: 0, bubbles: true,
                    clientX: box.left + x * box.width / 448, clientY: box.top + y * box.width / 448,
                }));
            };
            canvas.setPointerCapture = () => {};
            for (let time = 0; time < times; time += 1) {
                send("pointerdown", 0);
                for (let i = 1; i < count; i += 1) send("pointermove", i);
                send("pointerup", count - 1);
            }
        }""",
        [points, stroke, times],
    )


def test_a_very_long_drawing_is_answered_and_survives_a_change_of_page(pad: Page) -> None:
    pad.get_by_role("switch", name="Fill shapes").uncheck()
    for stroke in range(12):
        scribble(pad, 2_500, stroke)  # 60,000 coordinates in all
        answered(pad, stroke + 1)
    expect(surface(pad)).to_have_attribute("aria-label", "Drawing pad, strokes: 12")
    expect(pad.get_by_text("This drawing is full")).to_be_hidden()
    pad.get_by_role("link", name="Models").click()
    expect(pad.get_by_role("heading", name="Models")).to_be_visible()
    pad.get_by_role("link", name="Classify").click()
    answered(pad, 12)
    expect(surface(pad)).to_have_attribute("aria-label", "Drawing pad, strokes: 12")


def test_a_full_drawing_says_so_and_keeps_its_strokes(pad: Page) -> None:
    pad.get_by_role("switch", name="Fill shapes").uncheck()
    scribble(pad, 2, 0, times=MAX_STROKES)
    answered(pad, MAX_STROKES)
    expect(pad.get_by_text("This drawing is full")).to_be_hidden()
    draw(pad, SQUARE)
    expect(pad.get_by_text("This drawing is full")).to_be_visible()
    expect(surface(pad)).to_have_attribute("aria-label", f"Drawing pad, strokes: {MAX_STROKES}")
    button(pad, "Undo").click()
    expect(pad.get_by_text("This drawing is full")).to_be_hidden()
    draw(pad, SQUARE)
    answered(pad, MAX_STROKES + 2)
    assert shade_at(pad, SQUARE[0]) == 255


def test_a_simplified_stroke_looks_like_the_drawn_one(pad: Page) -> None:
    pad.get_by_role("switch", name="Fill shapes").uncheck()
    pixels = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 448, 448).data]"
    x, y = at(pad, (120, 120))
    pad.mouse.move(x, y)
    pad.mouse.down()
    for point in [(320, 120), (300, 160), (340, 170), (200, 330), (210, 300), (120, 320)]:
        pad.mouse.move(*at(pad, point), steps=40)
    before = surface(pad).evaluate(pixels)
    pad.mouse.up()
    answered(pad, 1)
    after = surface(pad).evaluate(pixels)
    different = sum(abs(a - b) > 128 for a, b in zip(before[::4], after[::4], strict=True))
    assert different <= 60  # of some 14,000 pixels of ink: at its edges


def test_the_drawing_survives_a_change_of_page(pad: Page) -> None:
    draw(pad, SQUARE)
    answered(pad, 1)
    pad.get_by_role("link", name="Models").click()
    expect(pad.get_by_role("heading", name="Models")).to_be_visible()
    pad.get_by_role("link", name="Classify").click()
    answered(pad, 1)
    assert shade_at(pad, MIDDLE) == 255
    button(pad, "Undo").click()
    expect(pad.get_by_text("Your answer appears here")).to_be_visible()


def test_each_sample_is_answered(pad: Page) -> None:
    samples = pad.locator(".st-key-pad .samples button")
    expect(samples).to_have_count(10)
    for number in range(10):
        samples.nth(number).click()
        answered(pad, number + 1)


def test_a_finger_draws_and_does_not_scroll(browser: Browser, app_url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    box = surface(page).bounding_box()
    assert box is not None
    touch = context.new_cdp_session(page)
    scale = box["width"] / PAD_WIDTH
    path = [(100, 100), (300, 100), (300, 300), (100, 300), (100, 110)]
    for number, (x, y) in enumerate(path):
        point = {"x": box["x"] + x * scale, "y": box["y"] + y * scale}
        kind = "touchStart" if number == 0 else "touchMove"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    answered(page, 1)
    assert shade_at(page, MIDDLE) == 255
    assert surface(page).bounding_box() == box
    context.close()
