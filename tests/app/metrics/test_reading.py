"""The charts in a browser without a mouse, and where their links and marks lead."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.app import scripted_prometheus as recordings
from tests.support.app.pages import READY, run_json, script_services
from tests.support.browser import axe_findings
from tests.support.scripted_server import Request, ScriptedServer

OTHER_PAGES = ("/graph", "/livez", "/api/health")


@pytest.fixture
def server(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """Services under a burst, a minute after a promotion, and a Prometheus that has web pages."""
    numbers = [
        *recordings.with_traffic(),
        recordings.number("requests:rate1m", 12.5, http_response_code="200"),
        recordings.number("latency_seconds:p95", 0.25, endpoint="/classify"),
        recordings.number("load_test_pictures:rate1m", 3),
        recordings.number(
            "model_promoted:timestamp_seconds", time.time() - 100, model=recordings.LIVE
        ),
    ]
    script_services(scripted, monkeypatch, run_json("succeeded"), READY)
    services = scripted.answer

    def answer(request: Request) -> tuple[int, str, bytes]:
        if request[1].partition("?")[0] in OTHER_PAGES:
            return 200, "text/plain", b"here"
        return recordings.answer(request, numbers) or services(request)

    scripted.answer = answer
    monkeypatch.setenv("GRAFANA_URL", scripted.url)
    return scripted


@pytest.fixture
def page(browser: Browser, server: ScriptedServer, app_beside: str) -> Iterator[Page]:
    """A visitor on the Metrics page, in the dark."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme="dark", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{app_beside}/metrics")
    expect(page.locator(".st-key-metrics_requests .main-svg").first).to_be_visible(timeout=60_000)
    yield page
    context.close()


def test_a_chart_is_read_by_keys_and_as_a_table(page: Page) -> None:
    chart = page.locator(".st-key-metrics_requests")
    for name in ("requests", "latency", "batches", "in_flight"):
        box = page.locator(f".st-key-metrics_{name} .chart-plot").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800, f"{name} is below the fold."
    assert axe_findings(page) == []

    chart.locator(".chart-plot").focus()
    page.keyboard.press("ArrowLeft")
    expect(chart.locator(".chart-readout")).to_contain_text("200 12.5")
    chart.get_by_role("button", name="Table").click()
    row = chart.get_by_role("row").nth(1)
    expect(row.get_by_role("cell")).to_have_text("12.5")
    assert axe_findings(page) == []
    chart.get_by_role("button", name="Chart").click()
    expect(chart.locator(".main-svg").first).to_be_visible()


def test_marks_and_links_lead_on(page: Page, server: ScriptedServer) -> None:
    query = page.locator(".st-key-metrics_latency .chart-link")
    expect(query).to_have_attribute("aria-label", "The same query in Prometheus")
    address = query.get_attribute("href") or ""
    assert address.startswith(f"{server.url}/graph?g0.expr=")
    assert "wardrobe%3Alatency_seconds%3Ap95" in address
    assert address.endswith("g0.range_input=300s")
    links = {
        link.inner_text().rpartition("\n")[2]: link.get_attribute("href")
        for link in page.locator(".st-key-metrics_links a").all()
    }
    assert links == {
        "Dashboard in Grafana": f"{server.url}/d/wardrobe",
        "Classifier's API": f"{server.url}/",
        "Trainer's API": f"{server.url}/",
    }
    page.locator(".st-key-metrics_live label").first.click()  # a mark moves as long as time goes on
    page.wait_for_timeout(3000)
    page.locator(".st-key-metrics_latency .annotation-text-g", has_text="abc").click()
    expect(page.get_by_role("heading", name="Models")).to_be_visible(timeout=30_000)
    assert page.url.endswith("/models?version=abc")


@pytest.mark.parametrize("section", ["Model health", "Training"])
def test_axe_finds_nothing_in_the_other_sections(page: Page, section: str) -> None:
    page.get_by_role("tab", name=section).click()
    expect(page.get_by_role("tab", name=section)).to_have_attribute("aria-selected", "true")
    assert axe_findings(page) == []
