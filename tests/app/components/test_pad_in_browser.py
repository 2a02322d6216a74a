"""The drawing pad in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import PAD_WIDTH, TROUSERS, answered, draw, surface

SQUARE = [(100, 100), (300, 100), (300, 300), (100, 300)]
MIDDLE = (200, 200)


@pytest.fixture
def pad(page: Page, app_url: str) -> Iterator[Page]:
    """Open the Classify page; no browser error and no request to another host is allowed."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.extend(_outside(request.url, app_url)))
    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    yield page
    assert problems == []


def _outside(url: str, app_url: str) -> list[str]:
    own = (app_url, app_url.replace("http", "ws", 1), "data:", "blob:")
    return [] if url.startswith(own) else [url]


def shade_at(page: Page, point: tuple[int, int]) -> int:
    """Return the grey value, 0..255, of one pixel of the pad."""
    script = "(canvas, [x, y]) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[0]"
    shade: int = surface(page).evaluate(script, list(point))
    return shade


def button(page: Page, name: str) -> Locator:
    return page.locator(".st-key-pad").get_by_role("button", name=name, exact=True)


def test_drawn_trousers_are_classified(pad: Page) -> None:
    draw(pad, TROUSERS)
    answer = answered(pad, 1)
    expect(answer.locator(".label")).to_have_text("Trouser")
    expect(answer.get_by_alt_text("What the model sees")).to_be_visible()
    expect(pad.locator(".st-key-drawing_answer")).to_contain_text("answered in")


def test_an_outline_is_filled_unless_that_is_switched_off(pad: Page) -> None:
    draw(pad, SQUARE)
    assert shade_at(pad, MIDDLE) == 255
    button(pad, "Clear").click()
    assert shade_at(pad, MIDDLE) == 0
    pad.get_by_role("switch", name="Fill outlines").uncheck()
    draw(pad, SQUARE)
    assert shade_at(pad, MIDDLE) == 0
    assert shade_at(pad, SQUARE[0]) == 255


def test_an_outline_of_several_strokes_is_filled_when_it_closes(pad: Page) -> None:
    draw(pad, SQUARE[:3], close=False)
    assert shade_at(pad, (150, 250)) == 0
    draw(pad, [SQUARE[2], SQUARE[3], SQUARE[0]], close=False)
    assert shade_at(pad, (150, 250)) == 255


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
    expect(samples).to_have_count(6)
    for number in range(6):
        samples.nth(number).click()
        answered(pad, number + 1)


def test_every_tool_is_reached_and_used_by_keyboard(pad: Page) -> None:
    pad.get_by_label("Brush size").focus()
    pad.keyboard.press("ArrowRight")
    expect(pad.get_by_label("Brush size")).to_have_value("15")
    reached = []
    for _ in range(8):
        pad.keyboard.press("Tab")
        reached.append(
            pad.evaluate(
                """() => {
                    let at = document.activeElement;
                    while (at.shadowRoot) at = at.shadowRoot.activeElement;
                    return at.name || at.getAttribute("aria-label");
                }"""
            )
        )
    assert reached[:3] == ["shade", "fill", "erase"]
    assert reached[3].startswith("Use the sample")
    pad.keyboard.press("Enter")
    answered(pad, 1)


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
