"""The Prometheus client, with odd responses; tests/app/sections asks a real Prometheus."""

from collections.abc import Callable
from typing import Any

import pytest

from app.clients.http import InvalidResponse, ServiceDown
from app.clients.prometheus import Prometheus
from tests.support.app import scripted_prometheus
from tests.support.scripted_server import ScriptedServer, json_answer


def success(kind: str, *result: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": list(result)}}


def test_a_value_that_is_not_finite_is_nothing(scripted: ScriptedServer) -> None:
    rows = [
        {"metric": {"__name__": "up", "job": "trainer"}, "value": [1.5, text]}
        for text in ("0.25", "NaN", "+Inf", "-Inf")
    ]
    scripted.answer = lambda _: json_answer(success("vector", *rows))
    samples = Prometheus(scripted.url).now("up")
    assert [sample.value for sample in samples] == [0.25, None, None, None]
    assert (samples[0].name, samples[0].labels) == ("up", {"job": "trainer"})


def test_a_moment_without_a_sample_is_a_gap(scripted: ScriptedServer) -> None:
    row = {"metric": {"__name__": "up"}, "values": [[100, "1"], [104, "NaN"], [106, "3"]]}
    scripted.answer = lambda _: json_answer(success("matrix", row))
    window = Prometheus(scripted.url).window("up", end=107, seconds=6, step=2)
    assert window.times == (100, 102, 104, 106)
    assert window.select("up")[0].values == (1, None, None, 3)


def test_only_firing_alerts_are_returned(scripted: ScriptedServer) -> None:
    alerts = [
        scripted_prometheus.alert("InputsDrift"),
        scripted_prometheus.alert("Waiting", state="pending"),
    ]
    scripted.answer = lambda _: json_answer({"status": "success", "data": {"alerts": alerts}})
    [alert] = Prometheus(scripted.url).firing()
    assert (alert.name, alert.severity, alert.labels["job"]) == (
        "InputsDrift",
        "warning",
        "classifier",
    )
    assert alert.since.year == 2026


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"data": {"result": [{}], "alerts": [{}]}},
        {"data": {"result": [{"metric": {}}], "alerts": None}},
        {"data": {"result": [{"metric": {}, "value": [0, "?"], "values": [[0]]}], "alerts": 3}},
    ],
)
def test_an_answer_of_another_shape_is_an_error_with_a_message(
    scripted: ScriptedServer, raw: Any
) -> None:
    scripted.answer = lambda _: json_answer(raw)
    client = Prometheus(scripted.url)
    calls: list[Callable[[], object]] = [
        lambda: client.now("up"),
        lambda: client.window("up", end=100, seconds=10, step=2),
        client.firing,
    ]
    for call in calls:
        with pytest.raises(InvalidResponse, match="Check PROMETHEUS_URL"):
            call()


def test_nobody_there_is_down_and_names_the_address(nobody: str) -> None:
    with pytest.raises(ServiceDown, match=f"does not answer at {nobody}"):
        Prometheus(nobody).now("up")
