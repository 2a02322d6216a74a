"""The drawing pad on the page: its pixels, its buttons and its places."""

from playwright.sync_api import Locator, Page

from tests.support.browser import PAD_WIDTH, surface


def shade_at(page: Page, point: tuple[int, int]) -> int:
    """Return the grey value, 0..255, of one pixel of the pad."""
    script = "(canvas, [x, y]) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[0]"
    shade: int = surface(page).evaluate(script, list(point))
    return shade


def button(page: Page, name: str) -> Locator:
    return page.locator(".st-key-pad").get_by_role("button", name=name, exact=True)


def at(page: Page, point: tuple[int, int]) -> tuple[float, float]:
    """Where a point of the pad lies in the window."""
    box = surface(page).bounding_box()
    assert box is not None
    scale = box["width"] / PAD_WIDTH
    return box["x"] + point[0] * scale, box["y"] + point[1] * scale
