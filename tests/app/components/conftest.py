"""The Classify page, open in a browser that may not have errors."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import surface


@pytest.fixture
def pad(page: Page, app_url: str) -> Iterator[Page]:
    """Open the Classify page; no browser error and no request to another host is allowed."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.extend(_outside(request.url, app_url)))
    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    expect(page.locator(".st-key-pad .samples button").first).to_be_visible()  # its script has run
    yield page
    assert problems == []


def _outside(url: str, app_url: str) -> list[str]:
    own = (app_url, app_url.replace("http", "ws", 1), "data:", "blob:")
    return [] if url.startswith(own) else [url]
