"""Links that hold a drawing, in a real browser."""

from playwright.sync_api import Page, expect

from tests.support.app.drawing_pad import button, shade_at
from tests.support.browser import answered, draw, surface

SQUARE = [(100, 100), (300, 100), (300, 300), (100, 300)]
MIDDLE = (200, 200)


def test_a_link_holds_the_drawing(pad: Page, app_url: str) -> None:
    pad.context.grant_permissions(["clipboard-read", "clipboard-write"])
    draw(pad, SQUARE)
    answered(pad, 1)
    button(pad, "Share").click()
    expect(pad.get_by_text("Link copied.")).to_be_visible()
    link = pad.evaluate("navigator.clipboard.readText()")
    visitor = pad.context.new_page()
    visitor.goto(link)
    expect(surface(visitor)).to_be_visible(timeout=30_000)
    answered(visitor, 1)
    assert shade_at(visitor, MIDDLE) == 255
    assert "#" not in visitor.url  # a reload begins anew
    visitor.goto(f"{app_url}/#drawing=AAAA")
    expect(visitor.get_by_text("no drawing that can be read")).to_be_visible()
    assert shade_at(visitor, MIDDLE) == 255
    visitor.close()
