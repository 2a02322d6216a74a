"""Grafana's provisioning files and dashboard; every query returns data."""

import json
import math
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from app.monitoring.load_burst import Burst, drawings
from tests.support.processes import ROOT, call, wait_for
from tests.support.watched import Watched

GRAFANA = ROOT / "monitoring/grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards/wardrobe.json").read_text())
QUERIES = [
    (panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]
]
ANNOTATIONS = [(one["name"], one["expr"]) for one in DASHBOARD["annotations"]["list"]]
PROMOTIONS = dict(ANNOTATIONS)["Promoted"]


def test_every_panel_uses_the_provisioned_data_source() -> None:
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["editable"] is False
    named = set(re.findall(r'"uid": "(wardrobe-.+)"', json.dumps(DASHBOARD, indent=0)))
    assert named == {source["uid"]}
    assert all(panel["datasource"]["uid"] == source["uid"] for panel in DASHBOARD["panels"])


def test_the_dashboard_matches_grafanas_schema() -> None:
    parsed = json.loads(json.dumps(Dashboard.from_json(DASHBOARD), cls=JSONEncoder))
    assert set(_lost(DASHBOARD, parsed)) == {
        # Options of the data source, which the schema does not cover.
        f"/annotations/list/{index}/{name}"
        for index, annotation in enumerate(DASHBOARD["annotations"]["list"])
        for name in ("useValueForTime", "titleFormat", "textFormat", "step")
        if name in annotation
    }


def _lost(given: Any, parsed: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of values that are missing or different after parsing."""
    if isinstance(given, dict | list):
        for key, value in given.items() if isinstance(given, dict) else enumerate(given):
            try:
                yield from _lost(value, parsed[key], f"{path}/{key}")
            except LookupError:
                yield f"{path}/{key}"
    elif given != parsed:
        yield path


def test_changes_in_the_browser_cannot_be_saved() -> None:
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/wardrobe.yml").read_text())
    assert provider["providers"][0]["allowUiUpdates"] is False
    assert DASHBOARD["editable"] is False


def test_panels_do_not_overlap_and_have_unique_ids() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize(("panel", "query"), [*QUERIES, *ANNOTATIONS])
def test_every_query_reads_recording_rules_only(panel: str, query: str) -> None:
    files = [
        yaml.safe_load((ROOT / "monitoring/rules" / name).read_text())
        for name in ("recording.yml", "drift.yml")
    ]
    recorded = {
        rule["record"] for file in files for group in file["groups"] for rule in group["rules"]
    }
    named = set(re.findall(r"\w+:\w+:\w+", query))
    assert named, panel
    assert named <= recorded
    assert not re.search(r"\b(bentoml|wardrobe)_", query)


def test_the_dashboard_has_every_rule_of_the_metrics_page() -> None:
    page = "".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
    named = set(re.findall(r"wardrobe:\w+:\w+", page))
    assert named
    assert named <= set(re.findall(r"wardrobe:\w+:\w+", json.dumps(DASHBOARD)))


def test_the_dashboard_has_no_variables() -> None:
    assert DASHBOARD["templating"]["list"] == []
    assert "$" not in json.dumps(DASHBOARD)


@pytest.fixture(scope="module")
def busy(watched: Watched) -> Iterator[Watched]:
    """The services after a run, a promotion and some seconds of mixed traffic, with a shadow."""
    call("POST", watched.trainer_url, "/runs", json={"recipe": "quick", "epochs": 1})
    _be_busy(watched)
    wait_for(lambda: watched.ask(PROMOTIONS), 240, "the run's version being promoted")
    versions = requests.get(f"{watched.trainer_url}/models", timeout=10).json()["models"]
    former = next(one["version"] for one in versions if not one["champion"])
    assigned = call("PUT", watched.trainer_url, "/shadow", json={"version": former})
    assert assigned.ok, assigned.text
    wait_for(lambda: watched.ask("wardrobe:shadow_workers:sum > 0"), 60, "a shadow")
    _be_busy(watched)
    wait_for(lambda: watched.ask("wardrobe:shadow_agreement:ratio5m >= 0"), 60, "its answers")
    watched.scrape()
    yield watched
    call("DELETE", watched.trainer_url, "/shadow")


def _be_busy(watched: Watched) -> None:
    """Send good and bad requests for eight seconds, and at least the pictures that a PSI needs."""
    deadline, rounds = time.monotonic() + 8, 0
    while time.monotonic() < deadline or rounds < 8:
        rounds += 1
        Burst(watched.classifier_url, total=30, concurrency=8).wait()
        files = [("images", ("drawing.png", drawing, "image/png")) for drawing in 5 * drawings()]
        requests.post(f"{watched.classifier_url}/classify_many", files=files, timeout=10)
        requests.post(f"{watched.classifier_url}/classify", data=b"", timeout=10)
        requests.get(f"{watched.classifier_url}/nothing", timeout=10)
        time.sleep(0.5)


@pytest.mark.parametrize(("panel", "query"), [*QUERIES, *ANNOTATIONS])
def test_every_query_returns_data_under_traffic(busy: Watched, panel: str, query: str) -> None:
    now = time.time()
    answer = requests.get(
        f"{busy.prometheus_url}/api/v1/query_range",
        params={"query": query, "start": str(now - 120), "end": str(now), "step": "2"},
        timeout=10,
    ).json()
    assert answer["status"] == "success", answer
    values = [float(text) for series in answer["data"]["result"] for _, text in series["values"]]
    assert any(math.isfinite(value) for value in values), panel
