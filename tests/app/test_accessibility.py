"""What axe finds in the pages: nothing, in light and in dark."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("path", "landmark"),
    [("", "What is it?"), ("retrain", "All runs"), ("models", "Models")],
)
def test_axe_finds_nothing(
    browser: Browser, app_url: str, scheme: Literal["light", "dark"], path: str, landmark: str
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{app_url}/{path}")
    expect(page.get_by_role("heading", name=landmark)).to_be_visible(timeout=30_000)
    page.wait_for_selector(SETTLED)
    page.wait_for_load_state("networkidle")  # a chart has its name once its script has run
    expect(page.locator(".chart-plot:not([aria-label])")).to_have_count(0)
    found = Axe().run(page).response["violations"]
    context.close()
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
