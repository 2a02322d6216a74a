"""Prometheus's numbers compared with what a client observed."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from app.monitoring.load_burst import drawings
from tests.support.processes import call, wait_for
from tests.support.watched import Watched

GOOD, EMPTY, WRONG_TYPE = 440, 40, 20
REQUESTS = 'bentoml_service_request_total{job="classifier",endpoint="/classify"}'


def test_prometheus_counts_what_a_client_counts(watched: Watched) -> None:
    """500 requests with known results: the same counts by code and in every metric."""
    queries = {
        "200": f'{REQUESTS[:-1]},http_response_code="200"}}',
        "400": f'{REQUESTS[:-1]},http_response_code="400"}}',
        "415": f'{REQUESTS[:-1]},http_response_code="415"}}',
        "all": REQUESTS,
        "timed": REQUESTS.replace("_total", "_duration_seconds_count"),
        "named": "wardrobe_predictions_total",
        "in batches": "wardrobe_batch_images_sum",
        "with a confidence": "wardrobe_confidence_count",
        "waited": "wardrobe_queue_seconds_count",
    }
    watched.scrape()
    before = {name: watched.total(query) for name, query in queries.items()}
    seen = _send(watched.classifier_url)
    watched.scrape()
    counted = {name: watched.total(query) - before[name] for name, query in queries.items()}
    assert seen == {200: GOOD, 400: EMPTY, 415: WRONG_TYPE}
    assert counted == {
        "200": GOOD,
        "400": EMPTY,
        "415": WRONG_TYPE,
        "all": 500,
        "timed": 500,
        "named": GOOD,
        "in batches": GOOD,
        "with a confidence": GOOD,
        "waited": counted["waited"],  # per batch or per picture: not specified
    }


def _send(classifier_url: str) -> Counter[int]:
    """Send 500 requests, eight at once, over kept-alive connections. Return counts by code."""
    pictures = drawings()
    bodies = [(pictures[i % len(pictures)], "image/png") for i in range(GOOD)]
    bodies += [(b"", "image/png")] * EMPTY + [(b"a shoe", "text/plain")] * WRONG_TYPE
    with requests.Session() as session, ThreadPoolExecutor(8) as pool:

        def send(body: tuple[bytes, str]) -> int:
            headers = {"content-type": body[1]}
            url = f"{classifier_url}/classify"
            return session.post(url, data=body[0], headers=headers, timeout=30).status_code

        return Counter(pool.map(send, bodies))


def test_a_scan_for_random_paths_is_one_series(watched: Watched) -> None:
    scanned = 'bentoml_service_request_total{job="classifier",endpoint="other"}'
    watched.scrape()
    before = watched.total(scanned)
    for i in range(30):
        assert requests.get(f"{watched.classifier_url}/wp-admin/{i}", timeout=5).status_code == 404
    watched.scrape()
    assert not watched.ask('{endpoint=~"/wp-admin.*"}')
    assert len(watched.ask(scanned)) == 1
    assert watched.total(scanned) - before == 30


def test_promotions_and_nothing_else_are_marked(watched: Watched) -> None:
    """Train a version, which is promoted, then roll back."""
    versions = requests.get(f"{watched.trainer_url}/models", timeout=10).json()["models"]
    assert versions[-1]["tag"] not in _marks(watched), "A start is not a promotion."
    first = _champion(watched)
    began = time.time()
    run = call("POST", watched.trainer_url, "/runs", json={"recipe": "quick", "epochs": 1}).json()
    wait_for(lambda: _champion(watched) != first, 240, f"run {run} promoting its version")
    second = _champion(watched)
    wait_for(lambda: second in _marks(watched), 20, "a mark")
    marked = _marks(watched)[second]
    assert began < marked <= time.time()

    time.sleep(12)  # within 10 s, a promotion and a rollback look like one
    rolled_back = time.time()
    version = first.partition(":")[2]
    answer = call("POST", watched.trainer_url, f"/models/{version}/promote")
    assert answer.status_code == 200, answer.text
    wait_for(lambda: _marks(watched).get(first, 0) > rolled_back, 20, "a second mark")
    assert _marks(watched)[second] == marked


def _marks(watched: Watched) -> dict[str, float]:
    """Return the time of each version's last promotion, in Unix seconds."""
    series = watched.ask("wardrobe:model_promoted:timestamp_seconds")
    return {one["metric"]["model"]: float(one["value"][1]) for one in series}


def _champion(watched: Watched) -> str:
    """Return the tag that every worker serves, or the promoted one while they switch."""
    answer: dict[str, Any] = requests.get(f"{watched.classifier_url}/model", timeout=5).json()
    serving = {worker["tag"] for worker in answer["workers"]}
    return str(serving.pop()) if len(serving) == 1 else str(answer["tag"])
