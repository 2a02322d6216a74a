"""Accessibility of the pages: axe finds no violations, in light and in dark."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import axe_findings

SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"


@pytest.mark.usefixtures("some_corrections", "an_own_class")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("path", "landmark"),
    [
        ("", "What is it?"),
        ("corrections", "Corrections"),
        ("classes", "Your classes"),
        ("retrain", "All runs"),
        ("models", "Models"),
        ("about", "About this model"),
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
    found = axe_findings(page)
    context.close()
    assert found == []
