"""Prometheus behind its gate: who may ask, and that what is asked is answered as before."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.processes import ROOT, answers, free_port, wait_for


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the gate listens."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text("global: {}\n")
    port = free_port()
    gate = subprocess.Popen(
        [
            *(sys.executable, "-m", "launcher.prometheus_gate", str(port), "prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--log.level=warn",
        ],
        cwd=ROOT,
    )
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: answers(f"{url}/-/ready"), 20, "Prometheus answering")
    [prometheus] = psutil.Process(gate.pid).children()
    yield url
    gate.terminate()
    assert gate.wait(10) == 0
    assert not prometheus.is_running()


def test_queries_are_answered(url: str) -> None:
    for answer in (
        requests.get(f"{url}/api/v1/query", params={"query": "1 + 1"}, timeout=5),
        requests.post(f"{url}/api/v1/query", data={"query": "1 + 1"}, timeout=5),
        requests.get(f"{url}/api/v1/query?query=1+%2B+1", headers={"Host": "localhost"}, timeout=5),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["result"][1] == "2"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    broken = requests.get(f"{url}/api/v1/query", params={"query": "1 +"}, timeout=5)
    assert (broken.status_code, broken.json()["errorType"]) == (400, "bad_data")


def test_its_own_pages_and_metrics_are_there(url: str) -> None:
    assert "Healthy" in requests.get(f"{url}/-/healthy", timeout=5).text
    assert "prometheus_build_info" in requests.get(f"{url}/metrics", timeout=5).text
    assert requests.head(f"{url}/-/healthy", timeout=5).status_code == 200
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert requests.get(f"{url}/-/healthy", headers=visit, timeout=5).ok


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9090", "localhost.evil.example"])
def test_another_host_is_refused(url: str, host: str) -> None:
    answer = requests.get(f"{url}/api/v1/labels", headers={"Host": host}, timeout=5)
    assert answer.status_code == 421
    assert "only on this machine" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8501"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_another_website_is_refused(url: str, headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        answer = requests.request(method, f"{url}/api/v1/labels", headers=headers, timeout=5)
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.json() == {"error": "Other websites may not ask Prometheus."}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/-/quit"),
        ("PUT", "/-/reload"),
        ("POST", "/api/v1/admin/tsdb/delete_series"),
        ("OPTIONS", "/api/v1/query"),
        ("DELETE", "/api/v1/series"),
    ],
)
def test_only_reading(url: str, method: str, path: str) -> None:
    answer = requests.request(method, url + path, timeout=5)
    assert answer.status_code == 405
    assert answer.json()["error"]
