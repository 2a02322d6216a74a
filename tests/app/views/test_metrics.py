"""The Metrics page, against a live Prometheus and against none; and its charts in a browser."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

from app.monitoring.load_burst import Burst, drawings
from tests.support.processes import HOMES, ROOT, Server, answers, free_port, wait_for
from tests.support.watched import ask, restart_prometheus, start_prometheus


@pytest.fixture(scope="module")
def prometheus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prometheus")


@pytest.fixture(scope="module")
def prometheus(prometheus_folder: Path, classifier_url: str, trainer_url: str) -> Iterator[Server]:
    """A Prometheus that has scraped both services, and traffic on the classifier."""
    server = start_prometheus(prometheus_folder, classifier_url, trainer_url)
    wait_for(lambda: len(ask(server.url, "wardrobe:up:sum == 1")) == 3, 20, "three processes up")
    yield server
    server.stop()


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch, classifier_url: str, trainer_url: str) -> AppTest:
    """The Metrics page, not yet run, of an app that knows the session's services."""
    monkeypatch.setenv("CLASSIFIER_URL", classifier_url)
    monkeypatch.setenv("TRAINER_URL", trainer_url)
    monkeypatch.setenv("PROMETHEUS_URL", f"http://127.0.0.1:{free_port()}")
    page = AppTest.from_file(str(ROOT / "app/streamlit_app.py"), default_timeout=30).run()
    return page.switch_page("views/metrics.py")


def page_sentences(page: AppTest) -> str:
    """Return all text of the page, without the escapes of its Markdown."""
    shown = [*page.error, *page.warning, *page.info, *page.caption, *page.markdown]
    return "\n".join(str(element.value) for element in shown).replace("\\", "")


def first_error(page: AppTest) -> str:
    """Return the text of the first error, without the escapes of its Markdown."""
    return str(page.error[0].value).replace("\\", "")


def tiles(page: AppTest) -> dict[str, str]:
    return {str(tile.label): str(tile.value) for tile in page.metric}


def test_without_prometheus_the_page_says_what_to_do(metrics: AppTest) -> None:
    metrics.run()
    assert not metrics.exception
    assert "Prometheus does not answer at http://127.0.0.1:" in first_error(metrics)
    assert "make run" in first_error(metrics)
    assert not metrics.metric


def test_another_program_on_the_port_of_prometheus_is_detected(
    metrics: AppTest, monkeypatch: pytest.MonkeyPatch, classifier_url: str
) -> None:
    monkeypatch.setenv("PROMETHEUS_URL", classifier_url)
    metrics.run()
    assert not metrics.exception
    assert "PROMETHEUS_URL" in first_error(metrics)


def test_the_page_shows_each_process_and_the_traffic(
    metrics: AppTest, prometheus: Server, classifier_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_URL", prometheus.url)
    Burst(classifier_url, total=60, concurrency=8).wait()
    requests.post(f"{classifier_url}/classify", data=b"", timeout=10)
    for recorded in ("latency_seconds:p95", "batch_images:avg", "errors:ratio_rate1m"):
        query = f"wardrobe:{recorded} >= 0"  # NaN is not
        wait_for(partial(ask, prometheus.url, query), 20, query)
    metrics.run()
    assert not metrics.exception
    assert not metrics.error
    for name in ("Classifier up", "Trainer up", "Prometheus up", "Version "):
        assert name in page_sentences(metrics)
    shown = tiles(metrics)
    assert float(shown["Requests"].removesuffix(" /s")) > 0
    assert float(shown["Latency, p95"].removesuffix(" ms")) > 0
    assert shown["Errors"] == "0.0 %"
    assert float(shown["Per batch"]) >= 1


def test_a_service_that_is_down_is_reported(
    metrics: AppTest, tmp_path: Path, classifier_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    lonely = start_prometheus(tmp_path, nowhere, nowhere)
    try:
        monkeypatch.setenv("PROMETHEUS_URL", lonely.url)
        wait_for(lambda: ask(lonely.url, "wardrobe:up:sum == 0"), 20, "a scrape")
        metrics.run()
    finally:
        lonely.stop()
    assert not metrics.exception
    assert "The classifier is down." in page_sentences(metrics)
    assert "Trainer down" in page_sentences(metrics)
    assert "No requests in this time range." in page_sentences(metrics)
    assert set(tiles(metrics).values()) == {"-"}


def test_a_burst_counts_its_own_outcomes(metrics: AppTest) -> None:
    """It needs no Prometheus: the client counts."""
    metrics.run()
    metrics.number_input(key="metrics_total").set_value(60)
    metrics.number_input(key="metrics_at_once").set_value(16)
    metrics.button(key="metrics_send").click().run()

    def ended() -> bool:
        metrics.run()
        return tiles(metrics)["Answered"] == "60"

    wait_for(ended, 30, "60 answers")
    shown = tiles(metrics)
    assert (shown["Refused, 4xx"], shown["Failed"]) == ("0", "0")
    assert float(shown["Rate"].removesuffix(" /s")) > 0
    assert not metrics.exception


def test_a_burst_at_a_classifier_that_is_down_shows_the_error(
    metrics: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics.run()
    monkeypatch.setenv("CLASSIFIER_URL", f"http://127.0.0.1:{free_port()}")
    metrics.button(key="metrics_send").click().run()

    def ended() -> bool:
        metrics.run()
        return tiles(metrics)["Failed"] == "500"

    wait_for(ended, 30, "500 failures")
    assert "The classifier does not answer" in page_sentences(metrics)
    assert not metrics.exception


@pytest.mark.parametrize(("total", "concurrency"), [(0, 1), (5001, 1), (10, 0), (10, 65)])
def test_a_burst_has_limits(total: int, concurrency: int) -> None:
    with pytest.raises(ValueError, match="1 to 5000 requests, 1 to 64 at once"):
        Burst("http://127.0.0.1:1", total=total, concurrency=concurrency)


def test_a_burst_can_be_stopped(classifier_url: str) -> None:
    burst = Burst(classifier_url, total=5000, concurrency=4)
    burst.stop()
    burst.wait()
    assert burst.report().done < 5000


def test_the_drawings_of_a_burst_are_pictures_that_the_classifier_reads(
    classifier_url: str,
) -> None:
    for drawing in drawings():
        answer = requests.post(
            f"{classifier_url}/classify",
            data=drawing,
            headers={"content-type": "image/png"},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text


# --- In a browser --------------------------------------------------------------------------------


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
        expect(browser_page.locator(".st-key-metrics_classes .main-svg").first).to_be_visible(
            timeout=20_000
        )
    finally:
        again.stop()
