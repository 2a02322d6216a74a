"""Why? under an answer, in a browser on real services."""

from playwright.sync_api import Page, expect

from tests.support.browser import TROUSERS, answered, axe_findings, draw, settled, surface


def test_why_shows_what_counted_and_what_is_alike(page: Page, app_url: str) -> None:
    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    draw(page, TROUSERS)
    label = answered(page, 1).locator(".label").inner_text()
    settled(page)
    page.get_by_role("button", name="Why?").click()

    counts = page.locator(".why-counts")
    expect(counts).to_contain_text(f"for {label}", timeout=15_000)
    assert f"for {label}" in (counts.locator("img").get_attribute("alt") or "")
    expect(page.locator(".why-nearest li")).to_have_count(6)
    expect(page.locator(".why-nearest li").first).to_contain_text("r")  # a class name
    settled(page)
    assert axe_findings(page) == []

    page.keyboard.press("Escape")
    expect(counts).to_have_count(0)
