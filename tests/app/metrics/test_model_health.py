"""Model health on the Metrics page: estimate, drift, shadow test and alerts."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from playwright.sync_api import Browser, expect
from streamlit.testing.v1 import AppTest

from app.clients.prometheus import Prometheus
from app.monitoring import drift
from tests.support.app import scripted_prometheus as recordings
from tests.support.app.pages import charts, links, open_page, page_text, run_json, script_services
from tests.support.app.scripted_prometheus import Number
from tests.support.browser import axe_findings
from tests.support.processes import ROOT, free_port, wait_for
from tests.support.scripted_server import Request, ScriptedServer
from tests.support.watched import restart_prometheus
from training.model.familiarity import KNOWN_FROM

READY = {
    "tag": recordings.LIVE,
    "metadata": {"accuracy": 0.876},
    "workers": [],
    "serving": {recordings.LIVE: 2},
}
SHADOW = recordings.with_shadow(agreed=950, disagreed=50, dropped=30)


@pytest.fixture
def server(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """Both services and Prometheus at one address; `recorded` sets the series of Prometheus."""
    monkeypatch.setenv("PROMETHEUS_URL", scripted.url)
    script_services(scripted, monkeypatch, run_json("succeeded"), READY)
    recorded(scripted, recordings.healthy())
    return scripted


def recorded(
    server: ScriptedServer, numbers: Sequence[Number], alerts: Sequence[dict[str, Any]] = ()
) -> None:
    services = server.answer

    def answer(request: Request) -> tuple[int, str, bytes]:
        return recordings.answer(request, numbers, alerts) or services(request)

    server.answer = answer


def open_health() -> AppTest:
    """Run the page with the section of the model's health open."""
    at = open_page("metrics")
    at.session_state["metrics_section"] = "Model health"
    at.run()
    assert not at.exception
    return at


def tiles(at: AppTest) -> dict[str, tuple[str, str]]:
    """Return the value of each tile, and the text below it."""
    return {str(it.label): (str(it.value), str(it.delta)) for it in at.metric if it.delta}


# --- Estimate and drift --------------------------------------------------------------------------


def test_too_few_pictures_give_no_estimate(
    server: ScriptedServer,
) -> None:
    few = recordings.number("served_predictions:increase5m", 112.3, model=recordings.LIVE)
    recorded(server, [*recordings.healthy(), few])
    at = open_health()
    assert "Not enough pictures:** 112 in the last five minutes." in page_text(at)
    assert "At least 200 are needed" in page_text(at)
    assert not tiles(at)
    assert "Drift: population stability index" not in charts(at)


@pytest.mark.usefixtures("server")
def test_no_pictures_is_no_drift() -> None:
    assert "0 in the last five minutes" in page_text(open_health())


def test_an_older_version_without_a_baseline_has_no_estimate(
    server: ScriptedServer,
) -> None:
    recorded(server, [it for it in recordings.healthy() if "baseline" not in it.name])
    at = open_health()
    assert "**abc** has no baseline" in page_text(at)
    assert links(at)["Train a version"].startswith("retrain")


def test_no_live_version_is_reported(server: ScriptedServer) -> None:
    recorded(server, [it for it in recordings.healthy() if "model" not in it.labels])
    assert "No version is live." in page_text(open_health())


def test_the_estimate_stands_beside_the_test_accuracy(
    server: ScriptedServer,
) -> None:
    recorded(server, recordings.with_traffic(accuracy=0.823))
    at = open_health()
    assert tiles(at)["Estimated accuracy"] == ("82.3 %", "87.6 % in testing")
    text = page_text(at)
    assert "Estimated accuracy of **abc**: 82.3 % on 1,234 pictures" in text
    assert "in the last five minutes. Label some pictures to check." in text


def test_drift_is_shown_without_an_estimate_too(
    server: ScriptedServer,
) -> None:
    recorded(server, [it for it in recordings.with_traffic() if "accuracy" not in it.name])
    at = open_health()
    assert "**abc** has no accuracy estimate." in page_text(at)
    assert "Estimated accuracy" not in tiles(at)
    assert tiles(at)["Prediction drift"][0] == "Steady"


@pytest.mark.parametrize(
    ("index", "word"), [(0.02, "Steady"), (0.17, "Moving"), (0.3, "Drifted"), (5.4, "Drifted")]
)
def test_each_index_has_a_level(server: ScriptedServer, index: float, word: str) -> None:
    recorded(server, recordings.with_traffic(answers=index, inputs=0.0))
    shown = tiles(open_health())
    assert shown["Prediction drift"] == (word, f"PSI {index:.2f}")
    assert shown["Input drift"] == ("Steady", "PSI 0.00")


@pytest.mark.parametrize("share", [0.05, 0.62])
def test_the_share_of_unknown_pictures_is_shown_with_the_line_that_alerts(
    server: ScriptedServer, share: float
) -> None:
    recorded(server, recordings.with_traffic(unknown=share))
    at = open_health()
    assert tiles(at)["Unknown pictures"] == (f"{100 * share:.1f} %", "4 % expected")
    figure = charts(at)["Unknown pictures, %"]
    [line], [trace] = figure["layout"]["shapes"], figure["data"]
    assert trace["y"][-1] == pytest.approx(100 * share)
    assert line["y0"] == 30 < figure["layout"]["yaxis"]["range"][1]


def test_a_version_that_cannot_tell_has_no_share_of_unknown_pictures(
    server: ScriptedServer,
) -> None:
    recorded(server, [it for it in recordings.with_traffic() if "unknown" not in it.name])
    at = open_health()
    assert "Unknown pictures" not in tiles(at)
    assert "Prediction drift" in tiles(at)


def test_the_page_expects_as_many_unknown_pictures_as_the_model_and_the_alert() -> None:
    assert drift.EXPECTED_UNKNOWN == KNOWN_FROM
    rules = yaml.safe_load((ROOT / "monitoring/rules/alerts.yml").read_text())
    [alert] = [
        rule
        for group in rules["groups"]
        for rule in group["rules"]
        if rule["alert"] == "UnknownPictures"
    ]
    assert alert["expr"] == f"wardrobe:unknown_pictures:ratio5m > {drift.MANY_UNKNOWN}"


def test_the_classes_that_moved_most_stand_on_top(server: ScriptedServer) -> None:
    recorded(server, recordings.with_traffic())
    figure = charts(open_health())["Share of predictions: validation → now"]
    [bars] = figure["data"]
    assert bars["y"] == ["Shirt", "Bag", "Coat"]
    assert bars["text"] == ["50 % → 40 %", "20 % → 30 %", "30 % → 30 %"]
    assert (bars["x"][0] < 0, bars["x"][1] > 0) == (True, True)
    assert figure["layout"]["xaxis"]["range"][1] > bars["x"][1]


def test_the_line_that_alerts_is_in_the_chart_however_small_the_drift(
    server: ScriptedServer,
) -> None:
    recorded(server, recordings.with_traffic(answers=0.01, inputs=0.02))
    figure = charts(open_health())["Drift: population stability index"]
    [line] = figure["layout"]["shapes"]
    assert line["y0"] == line["y1"] == 0.25 < figure["layout"]["yaxis"]["range"][1]
    assert {trace["name"]: trace["y"][-1] for trace in figure["data"]} == {
        "predictions": 0.01,
        "inputs": 0.02,
    }


def test_the_page_counts_and_compares_as_the_rules_do() -> None:
    rules = (ROOT / "monitoring/rules/drift.yml").read_text()
    assert {int(count) for count in re.findall(r">= (\d+)", rules)} == {drift.ENOUGH_PICTURES}
    groups = yaml.safe_load((ROOT / "monitoring/rules/alerts.yml").read_text())["groups"]
    exprs = [rule["expr"] for group in groups for rule in group["rules"] if "psi5m" in rule["expr"]]
    assert len(exprs) == 2
    assert {float(expr.partition(">")[2]) for expr in exprs} == {drift.DRIFTED}


# --- The shadow ----------------------------------------------------------------------------------


def test_the_shadow_test_shows_its_agreement_and_links_to_disagreements(
    server: ScriptedServer,
) -> None:
    recorded(server, [*recordings.with_traffic(), *SHADOW])
    at = open_health()
    assert (
        "**old** agrees with the live version on 95.0 % of 1,000 pictures in the last five"
        in page_text(at)
    )
    assert "Skipped 30 more when busy." in page_text(at)
    assert tiles(at)["Shadow agreement"] == ("95.0 %", "on 1,000 pictures")
    assert links(at)["Review disagreements"] == "corrections?state=review_requested"


@pytest.mark.usefixtures("server")
def test_without_a_shadow_test_the_page_explains_it_and_links_to_models() -> None:
    at = open_health()
    assert "Shadow test.** Not running." in page_text(at)
    assert links(at)["Start a shadow test"].startswith("models")


# --- Alerts --------------------------------------------------------------------------------------


def test_an_alert_says_what_to_do_and_links_to_its_pictures(
    server: ScriptedServer,
) -> None:
    fires, waits = (
        recordings.alert("PredictionsDrift"),
        recordings.alert("InputsDrift", state="pending"),
    )
    recorded(server, [*recordings.with_traffic(answers=0.4), *SHADOW], [fires, waits])
    at = open_health()
    [warning] = at.warning
    assert r"\<b\>something" in warning.value, "What a rule puts in is shown as it is."
    assert warning.value.endswith("Check it.")
    assert links(at)["Review disagreements"] == "corrections?state=review_requested"
    assert "See the newest pictures" in links(at)


def test_without_a_shadow_test_an_alert_offers_one(server: ScriptedServer) -> None:
    recorded(server, recordings.with_traffic(inputs=0.4), [recordings.alert("InputsDrift")])
    at = open_health()
    assert links(at)["Start a shadow test to collect pictures"].startswith("models")
    assert "Review disagreements" not in links(at)


def test_a_critical_alert_is_an_error(
    server: ScriptedServer,
) -> None:
    recorded(server, recordings.with_traffic(), [recordings.alert("Unheard", severity="critical")])
    at = open_health()
    assert ["Unheard" in it.value for it in at.error] == [True]


def test_a_service_that_is_down_is_reported_once(server: ScriptedServer) -> None:
    down = [it for it in recordings.healthy() if it.labels["job"] != "classifier"]
    recorded(server, down, [recordings.alert("ServiceDown", severity="critical")])
    at = open_health()
    assert not at.error
    assert page_text(at).count("It is down.") == 1
    assert "no baseline" not in page_text(at)


def test_the_text_of_an_alert_is_that_of_its_rule(tmp_path: Path) -> None:
    """Asked of a real Prometheus, whose answer has numbers in it and nanoseconds."""
    rule = {
        "alert": "Always",
        "expr": "vector(0.5) > 0.25",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "It is {{ $value | humanizePercentage }}.", "action": "Go."},
    }
    waits = {"alert": "Waiting", "expr": "vector(1)", "for": "1h"}
    config = {"global": {"evaluation_interval": "1s"}, "rule_files": [str(tmp_path / "rules.yml")]}
    groups = [{"name": "alerts", "rules": [rule, waits]}]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": groups}))
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))
    server = restart_prometheus(tmp_path, free_port())
    try:
        client = Prometheus(server.url)
        wait_for(client.firing, 20, "an alert")
        [fires] = client.firing()
    finally:
        server.stop()
    assert (fires.name, fires.severity, fires.labels) == ("Always", "warning", {})
    assert (fires.summary, fires.action) == ("It is 50%.", "Go.")
    assert fires.since.utcoffset() is not None


# --- In a browser --------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_an_alert_fires(
    browser: Browser,
    server: ScriptedServer,
    app_beside: str,
    scheme: Literal["light", "dark"],
) -> None:
    numbers = [*recordings.with_traffic(answers=0.4, inputs=0.2), *SHADOW]
    recorded(server, numbers, [recordings.alert("PredictionsDrift")])
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{app_beside}/metrics")
    page.get_by_role("tab", name="Model health").click(timeout=60_000)
    expect(page.get_by_text("Drifted", exact=True)).to_be_visible(timeout=60_000)
    found = axe_findings(page)
    page.get_by_role("link", name="Review disagreements").first.click()
    expect(page.get_by_role("heading", name="Corrections")).to_be_visible(timeout=30_000)
    assert page.url.endswith("/corrections?state=review_requested")
    context.close()
    assert found == []
