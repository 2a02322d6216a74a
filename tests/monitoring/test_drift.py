"""Drift as a real Prometheus sees it, thirty times as fast: windows of 10 s, not 5 minutes."""

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import requests

from tests.support.processes import ROOT, Home, MakeHome, wait_for
from tests.support.watched import ask, restart_prometheus, start_prometheus
from training.data import fashion_mnist

WINDOW_SECONDS = 10
NPY = {"Content-Type": "application/x-npy"}
CLASSES = {"Sneaker": 7, "Bag": 8}


@dataclass
class Street:
    """Who sends pictures, and what Prometheus makes of it."""

    classifier_url: str
    prometheus_url: str
    chance: np.random.Generator

    def send(self, images: np.ndarray, seconds: float, until: Callable[[], object]) -> None:
        """Some of the pictures, ten times a second, for so long or until something is so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not until():
            file = io.BytesIO()
            np.save(file, images[self.chance.integers(len(images), size=40)])
            answer = requests.post(
                f"{self.classifier_url}/classify_many",
                data=file.getvalue(),
                headers=NPY,
                timeout=10,
            )
            assert answer.ok
            time.sleep(0.1)

    def firing(self) -> set[str]:
        found = ask(self.prometheus_url, 'ALERTS{alertstate="firing",alertname=~".+Drift"}')
        return {series["metric"]["alertname"] for series in found}

    def value(self, query: str) -> float:
        [series] = ask(self.prometheus_url, query)
        return float(series["value"][1])


def compressed(home: Home) -> None:
    """The rules and the configuration of `make run`, with shorter windows, in the same folder."""
    (home.path / "rules").mkdir()
    for path in (ROOT / "monitoring" / "rules").glob("*.yml"):
        text = path.read_text().replace("5m", f"{WINDOW_SECONDS}s")
        # Recorded names end in the window's length: they keep those that they are asked by.
        text = text.replace(f":ratio{WINDOW_SECONDS}s", ":ratio5m")
        text = text.replace(f":psi{WINDOW_SECONDS}s", ":psi5m")
        text = text.replace(f":increase{WINDOW_SECONDS}s", ":increase5m")
        (home.path / "rules" / path.name).write_text(text)
    config = home.path / "prometheus.yml"
    text = config.read_text().replace(": 2s", ": 1s")
    config.write_text(text.replace(str(ROOT / "monitoring" / "rules"), str(home.path / "rules")))


@pytest.fixture
def street(make_home: MakeHome) -> Iterator[Street]:
    home = make_home()
    trained = home.train("--recipe", "quick", "--epochs", "2")
    assert trained.returncode == 0, trained.stderr
    servers: list[Any] = [home.serve("classifier", CLASSIFIER_WORKERS="2"), home.serve("trainer")]
    wait_for(lambda: sum(servers[0].get("/model")["serving"].values()) == 2, what="two workers")
    first = start_prometheus(home.path, servers[0].url, servers[1].url)
    first.stop()
    compressed(home)
    servers.append(restart_prometheus(home.path, int(first.url.rpartition(":")[2])))
    yield Street(servers[0].url, servers[2].url, np.random.default_rng(0))
    for server in reversed(servers):
        server.stop()


def test_what_moves_is_what_alerts(street: Street, test_set: fashion_mnist.Split) -> None:
    images, labels = test_set.images.numpy(), test_set.labels.numpy()

    street.send(images, 3 * WINDOW_SECONDS, until=street.firing)
    assert street.firing() == set()
    assert street.value("wardrobe:predictions:psi5m") < 0.1
    assert street.value("wardrobe:brightness:psi5m") < 0.1
    assert 0.8 < street.value("wardrobe:estimated_accuracy:ratio5m") < 0.95

    two = np.isin(labels, list(CLASSES.values()))
    street.send(images[two], 6 * WINDOW_SECONDS, until=street.firing)
    assert "PredictionsDrift" in street.firing()
    share = 'sum(wardrobe:prediction_share:ratio5m{label=~"Bag|Sneaker"})'
    assert street.value(share) > 0.85
    baseline = 'sum(wardrobe:prediction_share:baseline{label=~"Bag|Sneaker"})'
    assert 0.15 < street.value(baseline) < 0.25

    street.send(images, 4 * WINDOW_SECONDS, until=lambda: not street.firing())
    assert street.firing() == set()

    street.send(255 - images, 6 * WINDOW_SECONDS, until=lambda: "InputsDrift" in street.firing())
    assert "InputsDrift" in street.firing()
    assert street.value("wardrobe:estimated_accuracy:ratio5m") < 0.6
