"""What axe finds in the pages: nothing, in light and in dark."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"


@pytest.mark.usefixtures("some_corrections")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("path", "landmark"),
    [
        ("", "What is it?"),
        ("corrections", "Corrections"),
        ("retrain", "All runs"),
        ("models", "Models"),
    ],
)
def test_axe_finds_nothing(
    browser: Browser, app_url: str, scheme: Literal["light", "dark"], path: str, landmark: str
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{app_url}/{path}")
    expect(page.get_by_role("heading", name=landmark)).to_be_visible(timeout=30_000)
    page.wait_for_selector(SETTLED)
    found = settled_findings(page)
    context.close()
    assert found == []


def settled_findings(page: Page) -> list[str]:
    """What is wrong with the page once it is drawn."""
    found = findings(page)
    for _ in range(20):  # charts have no name, and new parts are pale, until they are drawn
        if not found:
            break
        page.wait_for_timeout(500)
        found = findings(page)
    return found


def findings(page: Page) -> list[str]:
    """What is wrong with the page as it is now, with the first element of each."""
    violations = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['failureSummary']}" for one in violations]
