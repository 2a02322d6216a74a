"""A real Prometheus for tests, and the parts of Wardrobe that it watches."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from launcher.prometheus_config import write_prometheus_config
from tests.support.processes import Server, answers, free_port, wait_for

SCRAPE_SECONDS = 2


def start_prometheus(folder: Path, classifier_url: str, trainer_url: str) -> Server:
    """Prometheus as `make run` starts it, with its state in `folder`. Returns when it is ready."""
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLASSIFIER_PORT", str(urlsplit(classifier_url).port))
        patch.setenv("TRAINER_PORT", str(urlsplit(trainer_url).port))
        patch.setenv("PROMETHEUS_PORT", str(port))
        write_prometheus_config(folder)
    return restart_prometheus(folder, port)


def restart_prometheus(folder: Path, port: int) -> Server:
    """Prometheus on what an earlier one left in `folder`."""
    log = folder / "prometheus.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            env={"PATH": os.environ["PATH"]},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    wait_for(lambda: answers(f"{server.url}/-/ready"), 20, "Prometheus answering")
    return server


def ask(prometheus_url: str, query: str) -> list[dict[str, Any]]:
    """What Prometheus answers to a query now: its `result`. Fails the test on an error."""
    answer = requests.get(f"{prometheus_url}/api/v1/query", params={"query": query}, timeout=5)
    body = answer.json()
    assert body["status"] == "success", f"{query}: {body}"
    found: list[dict[str, Any]] = body["data"]["result"]
    return found


@dataclass(frozen=True)
class Watched:
    """Wardrobe with one Prometheus that watches it."""

    classifier_url: str
    trainer_url: str
    prometheus_url: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The query's result now."""
        return ask(self.prometheus_url, query)

    def total(self, query: str) -> float:
        """The sum over the query's series now; 0 where there are none."""
        return sum(float(series["value"][1]) for series in self.ask(query))

    def scrape(self) -> None:
        """Return when everything that has happened until now has been scraped and recorded."""
        now = time.time()
        wait_for(
            lambda: all(
                self.total(f'min(timestamp(up{{job="{job}"}}))') > now
                and self.total(f'timestamp(wardrobe:up:sum{{job="{job}"}})') > now
                for job in ("classifier", "trainer")
            ),
            20,
            "a scrape of both services",
        )
        # `timestamp` of a rule's result is when it was evaluated: one more round sees the scrape.
        time.sleep(SCRAPE_SECONDS)
