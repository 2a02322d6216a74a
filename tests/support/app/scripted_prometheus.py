"""Responses of a Prometheus with the series and alerts of a test, in the real shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.scripted_server import Answer, Request, json_answer

LIVE, OTHER = "fashion_mnist_model:abc", "fashion_mnist_model:old"
BASELINE = {"Shirt": 0.5, "Coat": 0.3, "Bag": 0.2}


@dataclass(frozen=True)
class Number:
    """One series and its value, at all times."""

    name: str
    value: float
    labels: Mapping[str, str]


def number(name: str, value: float, **labels: str) -> Number:
    """Return a recorded series of the classifier."""
    return Number(f"wardrobe:{name}", value, {"job": "classifier", **labels})


def healthy() -> list[Number]:
    """Both services are up, and the live version has a baseline; there is no traffic."""
    return [
        *(Number("wardrobe:up:sum", 1, {"job": job}) for job in JOBS),
        *(Number("wardrobe:up:count", 1, {"job": job}) for job in JOBS),
        number("model_workers:sum", 2, model=LIVE),
        *(
            number("prediction_share:baseline", share, model=LIVE, label=label)
            for label, share in BASELINE.items()
        ),
    ]


JOBS = ("classifier", "trainer", "prometheus")


def with_traffic(
    *, accuracy: float = 0.9, answers: float = 0.02, inputs: float = 0.02, unknown: float = 0.05
) -> list[Number]:
    """The same with traffic: 1,234 pictures, with more bags than in the baseline."""
    now = {"Shirt": 0.4, "Coat": 0.3, "Bag": 0.3}
    return [
        *healthy(),
        number("served_predictions:increase5m", 1234.4, model=LIVE),
        number("estimated_accuracy:ratio5m", accuracy, model=LIVE),
        number("predictions:psi5m", answers, model=LIVE),
        number("brightness:psi5m", inputs),
        number("unknown_pictures:ratio5m", unknown, model=LIVE),
        *(
            number("prediction_share:ratio5m", share, model=LIVE, label=label)
            for label, share in now.items()
        ),
    ]


def with_shadow(*, agreed: int, disagreed: int, dropped: int) -> list[Number]:
    """Return the series of a shadow test."""
    counted = {"agreed": agreed, "disagreed": disagreed, "dropped": dropped}
    return [
        number("shadow_workers:sum", 2, model=OTHER),
        *(
            number("shadow_pictures:increase5m", count, model=OTHER, result=result)
            for result, count in counted.items()
        ),
        number("shadow_agreement:ratio5m", agreed / (agreed + disagreed), model=OTHER),
    ]


def alert(name: str, *, state: str = "firing", severity: str = "warning") -> dict[str, Any]:
    """Return an alert in the JSON of Prometheus."""
    return {
        "labels": {"alertname": name, "severity": severity, "job": "classifier"},
        "annotations": {"summary": f"{name}: <b>something</b> moved.", "action": "Check it."},
        "state": state,
        "activeAt": "2026-01-02T03:04:05.123456789Z",
        "value": "1e+00",
    }


def answer(
    request: Request, numbers: Sequence[Number], alerts: Sequence[dict[str, Any]] = ()
) -> Answer | None:
    """Return the response to a request, None if it is not for Prometheus."""
    url = urlsplit(request[1])
    if not url.path.startswith("/api/v1/"):
        return None
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    if url.path.endswith("/alerts"):
        return _success({"alerts": list(alerts)})
    if url.path.endswith("/query_range"):
        times = range(int(query["start"]), int(query["end"]) + 1, int(query["step"]))
        found: list[dict[str, Any]] = [
            {"metric": _metric(it), "values": [[time, str(it.value)] for time in times]}
            for it in numbers
        ]
        return _success({"resultType": "matrix", "result": found})
    if query["query"].startswith("time()"):
        numbers = [Number("", 1, {"job": job}) for job in JOBS]
    elif query["query"].startswith("sum by (result)"):
        numbers = [
            Number("", it.value, {"result": it.labels["result"]})
            for it in numbers
            if it.name == "wardrobe:shadow_pictures:increase5m"
        ]
    found = [{"metric": _metric(it), "value": [0, str(it.value)]} for it in numbers]
    return _success({"resultType": "vector", "result": found})


def _success(data: dict[str, Any]) -> Answer:
    return json_answer({"status": "success", "data": data})


def _metric(one: Number) -> dict[str, str]:
    return {**({"__name__": one.name} if one.name else {}), **one.labels}
