"""The Classify page in a browser, beside a scripted classifier and a scripted trainer."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.app.conftest import page_beside, scripted_server
from tests.support.app.teaching import TeachableServices
from tests.support.browser import settled
from tests.support.scripted_server import ScriptedServer


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """Run a server that answers as the `services` of each test."""
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def teaching_url(server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the page on it, once for all tests here."""
    with page_beside(server.url, server.url, tmp_path_factory.mktemp("page")) as url:
        yield url


@pytest.fixture
def services(server: ScriptedServer) -> TeachableServices:
    """Answer as a classifier that does not know the drawing, and as its trainer."""
    services = TeachableServices()
    server.answer = services.answer
    return services


@pytest.fixture
def visit(page: Page, services: TeachableServices, teaching_url: str) -> Page:
    """Open Classify."""
    assert services.served
    page.goto(teaching_url)
    settled(page)
    return page
