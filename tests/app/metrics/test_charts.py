"""The charts of the Metrics page in a browser."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.monitoring.load_burst import Burst
from tests.support.processes import HOMES, ROOT, Server, answers, free_port, wait_for
from tests.support.watched import restart_prometheus


@pytest.fixture(scope="module")
def live_url(
    prometheus: Server,
    classifier_url: str,
    trainer_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The whole app, served by Streamlit."""
    port = free_port()
    log = tmp_path_factory.mktemp("app") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", "app/server.py"),
                *("--server.headless=true", f"--server.port={port}"),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "CLASSIFIER_URL": classifier_url,
                "TRAINER_URL": trainer_url,
                "TOKENS_FILE": str(HOMES[trainer_url] / "tokens.json"),
                "PROMETHEUS_URL": prometheus.url,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: answers(f"{url}/_stcore/health"), 30, "the app answering")
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def loads() -> list[str]:
    """URLs that the browser has requested so far."""
    return []


@pytest.fixture(scope="module")
def browser_page(
    browser: Browser, live_url: str, classifier_url: str, loads: list[str]
) -> Iterator[Page]:
    """A visitor on the Metrics page, with some traffic to see and every chart drawn."""
    Burst(classifier_url, total=20, concurrency=4).wait()
    context = browser.new_context(viewport={"width": 1280, "height": 1800})
    page = context.new_page()
    page.on("request", lambda request: loads.append(request.url))
    page.goto(f"{live_url}/metrics")
    expect(page.locator(".st-key-metrics_classes .main-svg").first).to_be_visible(timeout=60_000)
    yield page
    context.close()


READ_PLOT = """() => {
  const plot = document.querySelector(".st-key-metrics_requests .chart-plot");
  const times = plot.data[0].x;
  return {
    same: plot === window.firstPlot && plot.querySelector(".main-svg") === window.firstSvg,
    latest: String(times[times.length - 1]),
    range: plot.layout.xaxis.range.map(String),
  };
}"""
REMEMBER = """() => {
  window.firstPlot = document.querySelector(".st-key-metrics_requests .chart-plot");
  window.firstSvg = window.firstPlot.querySelector(".main-svg");
}"""


def test_a_chart_updates_in_place_and_keeps_its_zoom(
    browser_page: Page, live_url: str, loads: list[str]
) -> None:
    plot = browser_page.locator(".st-key-metrics_requests .nsewdrag").first
    browser_page.wait_for_timeout(2500)
    browser_page.evaluate(REMEMBER)
    unzoomed = browser_page.evaluate(READ_PLOT)["range"]

    box = plot.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    browser_page.mouse.move(x, y)
    browser_page.mouse.down()
    browser_page.mouse.move(x + 120, y, steps=5)
    browser_page.mouse.up()
    browser_page.wait_for_timeout(500)
    zoomed = browser_page.evaluate(READ_PLOT)
    assert zoomed["range"] != unzoomed
    browser_page.wait_for_timeout(5000)
    later = browser_page.evaluate(READ_PLOT)
    assert later["same"]
    assert later["latest"] > zoomed["latest"], "The data moved on."
    assert later["range"] == zoomed["range"], "The zoom stayed."

    browser_page.mouse.dblclick(x, y)
    browser_page.wait_for_timeout(4000)
    followed = browser_page.evaluate(READ_PLOT)
    assert followed["same"]
    assert followed["range"][1] == followed["latest"], "A double click follows the clock again."
    assert len([url for url in loads if "plotly.min.js" in url]) == 1
    assert all(  # nothing comes from outside
        url.startswith(live_url) for url in loads if not url.startswith(("blob:", "data:", "ws:"))
    )


def test_pause_holds_the_charts_still(browser_page: Page) -> None:
    browser_page.locator(".st-key-metrics_live label").first.click()
    browser_page.wait_for_timeout(2500)
    browser_page.evaluate(REMEMBER)
    held = browser_page.evaluate(READ_PLOT)["latest"]
    browser_page.wait_for_timeout(4000)
    assert browser_page.evaluate(READ_PLOT)["latest"] == held
    browser_page.locator(".st-key-metrics_live label").first.click()


def test_the_page_fits_a_phone(browser_page: Page) -> None:
    browser_page.set_viewport_size({"width": 390, "height": 844})
    browser_page.wait_for_timeout(2500)
    for selector in (".stMain", ".st-key-metrics_requests"):
        assert (
            browser_page.evaluate(
                "(selector) => { const box = document.querySelector(selector);"
                " return box.scrollWidth - box.clientWidth }",
                selector,
            )
            <= 0
        )


def test_prometheus_may_go_and_come_back(
    browser_page: Page, prometheus: Server, prometheus_folder: Path
) -> None:
    """The last test of this module: it puts another Prometheus in the place of the first."""
    prometheus.kill()
    message = browser_page.get_by_text("Prometheus does not answer")
    expect(message).to_be_visible(timeout=20_000)
    expect(browser_page.locator("[data-testid=stException]")).to_have_count(0)
    port = int(prometheus.url.rpartition(":")[2])
    again = restart_prometheus(prometheus_folder, port)
    try:
        expect(message).to_have_count(0, timeout=20_000)
        up = browser_page.locator(".st-key-metrics_processes").get_by_text("Prometheus up")
        expect(up).to_be_visible(timeout=20_000)
    finally:
        again.stop()
