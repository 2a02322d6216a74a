"""The Metrics page, against a live Prometheus and against none."""

import json
import re
from functools import partial
from pathlib import Path

import pytest
import requests
from streamlit.testing.v1 import AppTest

from app.monitoring.load_burst import Burst, drawings
from tests.support.app.pages import charts
from tests.support.processes import ROOT, Server, free_port, wait_for
from tests.support.watched import ask, start_prometheus


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


def values(page: AppTest) -> dict[str, str]:
    """Return the value above each chart, by the chart's title."""
    found = [json.loads(element.proto.json) for element in page.get("bidi_component")]
    return {one["title"]: one["value"] for one in found if "title" in one}


def outcome(page: AppTest) -> str:
    """Return what the page measured of a burst."""
    texts = [str(caption.value) for caption in page.caption]
    return next((text.replace("\u00a0", " ") for text in texts if "Measured" in text), "")


def test_without_prometheus_the_page_says_what_to_do(metrics: AppTest) -> None:
    metrics.run()
    assert not metrics.exception
    assert "Prometheus does not answer at http://127.0.0.1:" in first_error(metrics)
    assert "make run" in first_error(metrics)
    assert not charts(metrics)


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
    wait_for(lambda: bool(charts(metrics.run())), 20, "a point of the charts")
    assert not metrics.exception
    assert not metrics.error
    for name in ("Classifier up", "Trainer up", "Prometheus up", " on 2 workers"):
        assert name in page_sentences(metrics)
    shown = values(metrics)
    assert float(shown["Requests per second, by code"].removesuffix(" /s")) > 0
    assert float(shown["Latency of /classify, ms"].strip("p95ms ")) > 0
    assert float(shown["Pictures per batch"].removesuffix(" per batch")) >= 1
    assert shown["Requests in flight"] == "0"
    codes = {trace["name"] for trace in charts(metrics)["Requests per second, by code"]["data"]}
    assert codes == {"200", "415"}, "Codes that did not occur are left out."


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
    assert "Waiting for the classifier." in page_sentences(metrics)
    assert "Trainer down" in page_sentences(metrics)
    assert "No requests in this time range." in page_sentences(metrics)
    assert not charts(metrics)
    assert metrics.button(key="metrics_send")


def test_a_burst_counts_its_own_outcomes(metrics: AppTest) -> None:
    """It needs no Prometheus: the client counts."""
    metrics.run()
    metrics.number_input(key="metrics_total").set_value(60)
    metrics.number_input(key="metrics_at_once").set_value(16)
    metrics.button(key="metrics_send").click().run()

    def ended() -> bool:
        metrics.run()
        return "60 answered" in outcome(metrics)

    wait_for(ended, 30, "60 answers")
    assert "refused" not in outcome(metrics)
    assert "failed" not in outcome(metrics)
    rate = re.search(r" · (\d+) /s · p50 \d+ ms · p95 \d+ ms$", outcome(metrics))
    assert rate, outcome(metrics)
    assert int(rate[1]) > 0
    assert not metrics.exception


def test_a_burst_may_last_for_seconds(metrics: AppTest) -> None:
    metrics.run()
    metrics.segmented_control(key="metrics_unit").set_value("seconds").run()
    metrics.number_input(key="metrics_seconds").set_value(1)
    metrics.number_input(key="metrics_at_once").set_value(4)
    metrics.button(key="metrics_send").click().run()

    def ended() -> bool:
        metrics.run()
        return not metrics.session_state["metrics_burst"].report().running

    wait_for(ended, 30, "the end of a burst")
    metrics.run()
    measured = re.search(r"over (\S+) s:\*?\*? ([\d,]+) answered", outcome(metrics))
    assert measured, outcome(metrics)
    assert float(measured[1]) >= 1
    assert int(measured[2].replace(",", "")) > 1


def test_a_burst_at_a_classifier_that_is_down_shows_the_error(
    metrics: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics.run()
    monkeypatch.setenv("CLASSIFIER_URL", f"http://127.0.0.1:{free_port()}")
    metrics.button(key="metrics_send").click().run()

    def ended() -> bool:
        metrics.run()
        return "500 failed" in outcome(metrics)

    wait_for(ended, 30, "500 failures")
    assert "The classifier does not answer" in page_sentences(metrics)
    assert not metrics.exception


@pytest.mark.parametrize(
    ("length", "concurrency"),
    [
        ({"total": 0}, 1),
        ({"total": 5001}, 1),
        ({"seconds": 0}, 1),
        ({"seconds": 61}, 1),
        ({"total": 10, "seconds": 10}, 1),
        ({}, 1),
        ({"total": 10}, 0),
        ({"total": 10}, 65),
    ],
)
def test_a_burst_has_limits(length: dict[str, int], concurrency: int) -> None:
    total, seconds = length.get("total"), length.get("seconds")
    with pytest.raises(ValueError, match="1 to 5000 requests or takes 1 to 60 seconds"):
        Burst("http://127.0.0.1:1", total=total, seconds=seconds, concurrency=concurrency)


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
