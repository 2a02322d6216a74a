"""The drawing pad by keyboard, in a real browser."""

from playwright.sync_api import Page, expect

from tests.support.app.drawing_pad import button, shade_at
from tests.support.browser import answered, draw, surface

SQUARE = [(100, 100), (300, 100), (300, 300), (100, 300)]
MIDDLE = (200, 200)


def test_keys_undo_and_redo_without_a_click_on_the_pad(pad: Page) -> None:
    draw(pad, SQUARE)
    pad.keyboard.press("Control+z")
    assert shade_at(pad, MIDDLE) == 0
    expect(pad.get_by_text("Your answer appears here")).to_be_visible()
    for redo, undo in (
        ("Control+y", "Control+z"),
        ("Control+Shift+z", "Meta+z"),
        ("Meta+Shift+z", "Control+z"),
        ("Meta+y", "Meta+z"),
    ):
        pad.keyboard.press(redo)
        assert shade_at(pad, MIDDLE) == 255, redo
        pad.keyboard.press(undo)
        assert shade_at(pad, MIDDLE) == 0, undo
    expect(button(pad, "Undo")).to_be_disabled()
    draw(pad, [(20, 20), (60, 20)], close=False)
    expect(button(pad, "Redo")).to_be_disabled()


def test_keys_are_left_to_text_fields_and_to_the_other_tab(pad: Page) -> None:
    draw(pad, SQUARE)
    answered(pad, 1)
    pad.evaluate(
        """() => {
            const field = document.createElement("input");
            field.id = "field";
            field.style.position = "fixed";
            document.body.append(field);
            field.focus();
        }"""
    )
    pad.keyboard.type("ab")
    pad.keyboard.press("Control+z")
    assert pad.locator("#field").input_value() != "ab"
    assert shade_at(pad, MIDDLE) == 255
    pad.evaluate("document.querySelector('#field').remove()")
    pad.get_by_role("tab", name="Upload").click()
    pad.keyboard.press("Control+z")
    pad.get_by_role("tab", name="Draw").click()
    assert shade_at(pad, MIDDLE) == 255


def test_plain_keys_choose_tools_without_a_click_on_the_pad(pad: Page) -> None:
    pad.keyboard.press("]")
    expect(pad.get_by_label("Brush size")).to_have_value("18")
    pad.keyboard.press("[")
    expect(pad.get_by_label("Brush size")).to_have_value("14")
    pad.keyboard.press("e")
    expect(button(pad, "Eraser")).to_have_attribute("aria-pressed", "true")
    pad.keyboard.press("2")
    expect(button(pad, "Eraser")).to_have_attribute("aria-pressed", "false")
    pad.keyboard.press("f")
    expect(pad.get_by_role("switch", name="Fill shapes")).not_to_be_checked()
    draw(pad, [(100, 100), (300, 100)], close=False)
    assert shade_at(pad, (200, 100)) == 190
    pad.keyboard.press("z")
    assert shade_at(pad, (200, 100)) == 0
    pad.keyboard.press("y")
    assert shade_at(pad, (200, 100)) == 190
    pad.keyboard.press("Delete")
    assert shade_at(pad, (200, 100)) == 0


def test_the_shortcuts_are_listed(pad: Page) -> None:
    shortcuts = pad.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shortcuts).to_be_hidden()
    pad.keyboard.press("?")
    expect(shortcuts).to_contain_text("Smaller or larger brush")
    pad.keyboard.press("Escape")
    expect(shortcuts).to_be_hidden()


def test_the_keyboard_draws(pad: Page) -> None:
    surface(pad).focus()
    for key in ("Space", *["ArrowRight"] * 5, "Space"):
        pad.keyboard.press(key)
    answered(pad, 1)
    assert shade_at(pad, (254, 224)) == 255
    for key in ("ArrowDown", "Space", "ArrowDown", "Escape"):  # a line that is given up
        pad.keyboard.press(key)
    expect(surface(pad)).to_have_attribute("aria-label", "Drawing pad, strokes: 1")


def test_every_tool_is_reached_and_used_by_keyboard(pad: Page) -> None:
    sample = pad.locator(".st-key-pad .samples button").first
    sample.focus()
    reached = []
    for _ in range(15):
        pad.keyboard.press("Tab")
        reached.append(
            pad.evaluate(
                """() => {
                    let at = document.activeElement;
                    while (at.shadowRoot) at = at.shadowRoot.activeElement;
                    return at.name || at.tagName.toLowerCase();
                }"""
            )
        )
    assert reached[9:] == ["canvas", "size", "shade", "fill", "erase", "help"]
    pad.get_by_label("Brush size").focus()
    pad.keyboard.press("ArrowRight")
    expect(pad.get_by_label("Brush size")).to_have_value("15")
    sample.focus()
    pad.keyboard.press("Enter")
    answered(pad, 1)
