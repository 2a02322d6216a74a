"""The Metrics page when a version may be wrong: what it says, and what a person should do."""

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
from tests.app.views.test_accessibility import settled_findings
from tests.app.views.test_models import charts
from tests.app.views.test_pages import opened, run_in, stand_in_for_both, words
from tests.app.views.test_retrain import links
from tests.support import scripted_prometheus as told
from tests.support.processes import ROOT, free_port, wait_for
from tests.support.scripted_prometheus import Number
from tests.support.scripted_server import Request, ScriptedServer
from tests.support.watched import restart_prometheus

READY = {
    "tag": told.SERVED,
    "metadata": {"accuracy": 0.876},
    "workers": [],
    "serving": {told.SERVED: 2},
}
SHADOW = told.shadowed(agreed=950, disagreed=50, dropped=30)


@pytest.fixture
def server(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """Both services and Prometheus at one address; `recorded` says what Prometheus knows."""
    monkeypatch.setenv("PROMETHEUS_URL", scripted.url)
    stand_in_for_both(scripted, monkeypatch, run_in("succeeded"), READY)
    recorded(scripted, told.healthy())
    return scripted


def recorded(
    server: ScriptedServer, numbers: Sequence[Number], alerts: Sequence[dict[str, Any]] = ()
) -> None:
    services = server.answer

    def answer(request: Request) -> tuple[int, str, bytes]:
        return told.answer(request, numbers, alerts) or services(request)

    server.answer = answer


def tiles(at: AppTest) -> dict[str, tuple[str, str]]:
    """The value of each tile, and the words below it."""
    return {str(it.label): (str(it.value), str(it.delta)) for it in at.metric if it.delta}


# --- What is known -------------------------------------------------------------------------------


def test_too_few_pictures_tell_nothing_and_how_many_are_needed_is_said(
    server: ScriptedServer,
) -> None:
    few = told.number("served_predictions:increase5m", 112.3, model=told.SERVED)
    recorded(server, [*told.healthy(), few])
    at = opened("metrics")
    assert "Too few pictures to tell:** 112 pictures in the last five minutes." in words(at)
    assert "It takes 200" in words(at)
    assert not tiles(at)
    assert "Drift: population stability index" not in charts(at)


@pytest.mark.usefixtures("server")
def test_nobody_sending_pictures_is_no_drift() -> None:
    assert "no picture in the last five minutes" in words(opened("metrics"))


def test_a_version_from_before_has_no_baseline_and_the_page_says_so(
    server: ScriptedServer,
) -> None:
    recorded(server, [it for it in told.healthy() if "baseline" not in it.name])
    at = opened("metrics")
    assert "version **abc**: it has no baseline" in words(at)
    assert links(at)["Train a version"].startswith("retrain")


def test_no_version_that_answers_is_told(server: ScriptedServer) -> None:
    recorded(server, [it for it in told.healthy() if "model" not in it.labels])
    assert "No version answers, so there is nothing to tell." in words(opened("metrics"))


def test_the_estimate_is_called_one_and_stands_beside_what_was_tested(
    server: ScriptedServer,
) -> None:
    recorded(server, told.measured(accuracy=0.823))
    at = opened("metrics")
    assert tiles(at)["Estimated accuracy"] == ("82.3 %", "87.6 % when tested")
    said = words(at)
    assert "1,234 pictures in the last five minutes, and nobody has labelled them." in said
    assert "**abc** expects to have named 82.3 % of them right. That is an estimate" in said


def test_a_version_that_cannot_judge_itself_shows_its_drift_all_the_same(
    server: ScriptedServer,
) -> None:
    recorded(server, [it for it in told.measured() if "accuracy" not in it.name])
    at = opened("metrics")
    assert "**abc** cannot estimate how many it names right." in words(at)
    assert "Estimated accuracy" not in tiles(at)
    assert tiles(at)["Answers"][0] == "Steady"


@pytest.mark.parametrize(
    ("index", "word"), [(0.02, "Steady"), (0.17, "Moving"), (0.3, "Drifted"), (5.4, "Drifted")]
)
def test_an_index_has_a_word(server: ScriptedServer, index: float, word: str) -> None:
    recorded(server, told.measured(answers=index, inputs=0.0))
    shown = tiles(opened("metrics"))
    assert shown["Answers"] == (word, f"index {index:.2f}")
    assert shown["Pictures"] == ("Steady", "index 0.00")


def test_the_classes_that_moved_most_stand_on_top(server: ScriptedServer) -> None:
    recorded(server, told.measured())
    figure = charts(opened("metrics"))["Share of the answers: on validation pictures → now"]
    [bars] = figure["data"]
    assert bars["y"] == ["Shirt", "Bag", "Coat"]
    assert bars["text"] == ["50% → 40%", "20% → 30%", "30% → 30%"]
    assert (bars["x"][0] < 0, bars["x"][1] > 0) == (True, True)
    assert figure["layout"]["xaxis"]["range"][1] > bars["x"][1]


def test_the_line_that_alerts_is_in_the_chart_however_small_the_drift(
    server: ScriptedServer,
) -> None:
    recorded(server, told.measured(answers=0.01, inputs=0.02))
    figure = charts(opened("metrics"))["Drift: population stability index"]
    [line] = figure["layout"]["shapes"]
    assert line["y0"] == line["y1"] == 0.25 < figure["layout"]["yaxis"]["range"][1]
    assert {trace["name"]: trace["y"][-1] for trace in figure["data"]} == {
        "answers": 0.01,
        "pictures": 0.02,
    }


def test_the_page_counts_and_compares_as_the_rules_do() -> None:
    rules = (ROOT / "monitoring/rules/drift.yml").read_text()
    assert {int(count) for count in re.findall(r">= (\d+)", rules)} == {drift.ENOUGH_PICTURES}
    groups = yaml.safe_load((ROOT / "monitoring/rules/alerts.yml").read_text())["groups"]
    exprs = [rule["expr"] for group in groups for rule in group["rules"] if "psi5m" in rule["expr"]]
    assert len(exprs) == 2
    assert {float(expr.partition(">")[2]) for expr in exprs} == {drift.DRIFTED}


# --- The shadow ----------------------------------------------------------------------------------


def test_the_shadow_says_how_often_it_agrees_and_where_it_does_not(
    server: ScriptedServer,
) -> None:
    recorded(server, [*told.measured(), *SHADOW])
    at = opened("metrics")
    assert "**old** says the same on 95.0 % of 1,000 pictures of the last five" in words(at)
    assert "It had no time for 30 more." in words(at)
    assert tiles(at)["Shadow agrees"] == ("95.0 %", "on 1,000 pictures")
    assert links(at)["See where they disagree"] == "corrections?state=review_requested"


@pytest.mark.usefixtures("server")
def test_without_a_shadow_the_page_says_what_one_is_for_and_where_to_set_it() -> None:
    at = opened("metrics")
    assert "In the shadow.** No version." in words(at)
    assert links(at)["Choose a version for the shadow"].startswith("models")


# --- Alerts --------------------------------------------------------------------------------------


def test_an_alert_says_what_to_do_and_leads_to_the_pictures_behind_it(
    server: ScriptedServer,
) -> None:
    fires, waits = told.alert("PredictionsDrift"), told.alert("InputsDrift", state="pending")
    recorded(server, [*told.measured(answers=0.4), *SHADOW], [fires, waits])
    at = opened("metrics")
    [warning] = at.warning
    assert r"\<b\>something" in warning.value, "What a rule puts in is shown as it is."
    assert warning.value.endswith("Look at it.")
    assert links(at)["See where two versions disagree"] == "corrections?state=review_requested"
    assert "See the newest pictures" in links(at)


def test_without_a_shadow_an_alert_offers_one_to_collect_pictures(server: ScriptedServer) -> None:
    recorded(server, told.measured(inputs=0.4), [told.alert("InputsDrift")])
    at = opened("metrics")
    assert links(at)["Collect pictures: run a version in the shadow"].startswith("models")
    assert "See where two versions disagree" not in links(at)


def test_a_critical_alert_is_an_error_and_one_without_pictures_stands_alone(
    server: ScriptedServer,
) -> None:
    recorded(server, told.measured(), [told.alert("Unheard", severity="critical")])
    at = opened("metrics")
    assert ["Unheard" in it.value for it in at.error] == [True]


def test_a_service_that_is_down_is_told_once(server: ScriptedServer) -> None:
    down = [it for it in told.healthy() if it.labels["job"] != "classifier"]
    recorded(server, down, [told.alert("ServiceDown", severity="critical")])
    at = opened("metrics")
    assert not at.error
    assert words(at).count("The classifier is down.") == 1


def test_the_words_of_an_alert_are_those_of_its_rule(tmp_path: Path) -> None:
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
    numbers = [*told.measured(answers=0.4, inputs=0.2), *SHADOW]
    recorded(server, numbers, [told.alert("PredictionsDrift")])
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{app_beside}/metrics")
    expect(page.get_by_text("Drifted", exact=True)).to_be_visible(timeout=60_000)
    found = settled_findings(page)
    page.get_by_role("link", name="See where two versions disagree").click()
    expect(page.get_by_role("heading", name="Corrections")).to_be_visible(timeout=30_000)
    assert page.url.endswith("/corrections?state=review_requested")
    context.close()
    assert found == []
