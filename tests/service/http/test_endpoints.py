"""Every address of both services: its label in the metrics, and a sentence for what is refused."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests
from starlette.routing import Route

from service.http.endpoints import OTHER, Endpoints
from tests.support.processes import Home, MakeHome, Server, wait_for

SCAN = 3000
"""Requests of the scan. tests/benchmarks/scan.py sends 100,000."""


@pytest.fixture
def server(request: pytest.FixtureRequest, service: str) -> Server:
    server: Server = request.getfixturevalue(service)
    return server


def test_labels() -> None:
    templates = ("/", "/runs", "/runs/{run_id}", "/corrections/{id}/image")
    endpoints = Endpoints(Route(template, print) for template in templates)
    labels = {
        "/": "/",
        "/runs": "/runs",
        "/runs/abc": "/runs/{run_id}",
        "/runs/abc/": OTHER,
        "/runs/": OTHER,
        "/runs/{run_id}": "/runs/{run_id}",
        "/corrections/1/image": "/corrections/{id}/image",
        "/corrections/1/image/x": OTHER,
        "/metrics": "/metrics",
        "/static_content/a/b.js": "/static_content/{file}",
        "/wp-admin": OTHER,
        "": OTHER,
        "//": OTHER,
    }
    assert {path: endpoints.label(path) for path in labels} == labels


@pytest.mark.parametrize("service", ["classifier", "trainer"])
def test_a_scan_costs_neither_memory_nor_scrapes(server: Server) -> None:
    """Distinct paths, methods, content types and ids: two series, not thousands."""
    methods = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")
    with requests.Session() as session, ThreadPoolExecutor(8) as pool:

        def ask(number: int) -> int:
            path = f"/runs/{number}" if number % 3 == 0 else f"/{number}/x{number}.php"
            return session.request(
                methods[number % len(methods)],
                server.url + path,
                headers={"Content-Type": f"text/x{number}"},
                timeout=30,
            ).status_code

        assert {ask(number) for number in range(40)} <= {404, 405}  # what there is, is there now
        before = requests.get(f"{server.url}/metrics", timeout=10).text
        memory = _memory(server)
        assert set(pool.map(ask, range(1000, 1000 + SCAN))) <= {404, 405}
        after = requests.get(f"{server.url}/metrics", timeout=10).text
    assert len(after.splitlines()) - len(before.splitlines()) < 20 * 7  # other workers' first ones
    assert _memory(server) - memory < 10e6
    labels = set(re.findall(r'endpoint="([^"]*)"', after))
    assert OTHER in labels
    assert not [label for label in labels if ".php" in label or re.search(r"\d", label)]


def _memory(server: Server) -> int:
    workers = psutil.Process(server.process.pid).children()
    return max(worker.memory_info().rss for worker in workers)


@pytest.mark.parametrize("service", ["classifier", "trainer"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/nothing", 404),
        ("OPTIONS", "/nothing", 404),
        ("POST", "/models/%0D%0AX-Injected%3A%201/promote", 404),
        ("GET", "/runs/1%0A", 404),
        ("GET", "/static_content/%0A.js", 404),
        ("POST", "/livez", 405),
        ("DELETE", "/metrics", 405),
        ("OPTIONS", "/readyz", 405),
        ("TRACE", "/healthz", 405),
        ("POST", "/schema.json", 405),
        ("POST", "/docs.json", 405),
        ("PUT", "/", 405),
        ("GET", "/static_content/nothing.js", 404),
        ("POST", "/static_content/swagger-ui.css", 405),
        ("BREW", "/livez", 405),
        ("CONNECT", "/livez", 405),
    ],
)
def test_what_is_refused_is_a_sentence(server: Server, method: str, path: str, status: int) -> None:
    answer = requests.request(method, server.url + path, timeout=10)
    assert answer.status_code in ({status} if method != "CONNECT" else {400, 405})
    assert answer.json()["error"].endswith(".")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "TRACE", "PUT", "BREW"])
def test_calls_refuse_other_methods_with_a_sentence(
    classifier_url: str, trainer_url: str, method: str
) -> None:
    for url in (f"{classifier_url}/classify", f"{trainer_url}/runs/1/cancel"):
        answer = requests.request(method, url, timeout=10)
        assert answer.status_code == 405
        assert answer.json()["error"]


@pytest.mark.parametrize("service", ["classifier", "trainer"])
def test_every_answer_has_the_security_headers(server: Server) -> None:
    for path in ("/", "/livez", "/metrics", "/nothing", "/docs.json", "/static_content/x"):
        headers = requests.get(server.url + path, timeout=10).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cross-origin-resource-policy"] == "same-origin"
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as client:
        client.sendall(b"not HTTP at all\r\n\r\n")
        answer = client.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"x-content-type-options: nosniff" in answer
    assert b'{"error":' in answer


@pytest.mark.parametrize("service", ["classifier", "trainer"])
def test_many_scrapes_at_once_cost_one_or_two(server: Server) -> None:
    def scrape(_: int) -> tuple[int, float]:
        began = time.monotonic()
        answer = requests.get(f"{server.url}/metrics", timeout=30)
        return answer.status_code, time.monotonic() - began

    alone = min(scrape(0)[1] for _ in range(3))
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(scrape, range(40)))
    assert {status for status, _ in answers} == {200}
    assert max(seconds for _, seconds in answers) < 20 * alone + 0.5  # one by one it would be 40


def test_a_refused_request_is_counted_under_its_address(trainer: Server) -> None:
    series = 'bentoml_service_request_total{endpoint="/corrections/{id}",http_response_code="404"'

    def count() -> float:
        text = requests.get(f"{trainer.url}/metrics", timeout=10).text
        return sum(float(it.split()[-1]) for it in text.splitlines() if it.startswith(series))

    before = count()
    assert trainer.call("DELETE", "/corrections/999999").status_code == 404
    wait_for(lambda: count() == before + 1, 5, "the request in the metrics")


def test_the_codes_of_a_call_begin_at_zero(make_home: MakeHome, home: Home) -> None:
    own = make_home()  # a second classifier of one folder would empty the counters of the first
    own.take_models_of(home)
    server = own.serve("classifier", CLASSIFIER_WORKERS="1")
    try:
        text = requests.get(f"{server.url}/metrics", timeout=10).text
    finally:
        server.stop()
    for endpoint in ("/classify", "/classify_many", "/preview"):
        for code in (400, 413, 415, 429, 503, 504):
            series = re.findall(
                rf'request_total{{endpoint="{endpoint}",http_response_code="{code}",.*}} (.*)', text
            )
            assert series == ["0.0"]
