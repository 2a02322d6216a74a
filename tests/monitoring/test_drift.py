"""Drift alerts in a real Prometheus, with windows of 10 s instead of 5 minutes."""

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
class LiveTraffic:
    """A client that sends pictures and asks Prometheus for drift."""

    classifier_url: str
    prometheus_url: str
    generator: np.random.Generator

    def send(self, images: np.ndarray, seconds: float, until: Callable[[], object]) -> None:
        """Send 40 random pictures ten times a second, until the condition holds or time is up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not until():
            file = io.BytesIO()
            np.save(file, images[self.generator.integers(len(images), size=40)])
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


def shorten_windows(home: Home) -> None:
    """Rewrite the rules and the configuration in `home` with windows of WINDOW_SECONDS."""
    (home.path / "rules").mkdir()
    for path in (ROOT / "monitoring" / "rules").glob("*.yml"):
        text = path.read_text().replace("5m", f"{WINDOW_SECONDS}s")
        # Names of rules keep their suffix.
        text = text.replace(f":ratio{WINDOW_SECONDS}s", ":ratio5m")
        text = text.replace(f":psi{WINDOW_SECONDS}s", ":psi5m")
        text = text.replace(f":increase{WINDOW_SECONDS}s", ":increase5m")
        (home.path / "rules" / path.name).write_text(text)
    config = home.path / "prometheus.yml"
    text = config.read_text().replace(": 2s", ": 1s")
    config.write_text(text.replace(str(ROOT / "monitoring" / "rules"), str(home.path / "rules")))


@pytest.fixture
def traffic(make_home: MakeHome) -> Iterator[LiveTraffic]:
    home = make_home()
    trained = home.train("--recipe", "quick", "--epochs", "2")
    assert trained.returncode == 0, trained.stderr
    servers: list[Any] = [home.serve("classifier", CLASSIFIER_WORKERS="2"), home.serve("trainer")]
    wait_for(lambda: sum(servers[0].get("/model")["serving"].values()) == 2, what="two workers")
    first = start_prometheus(home.path, servers[0].url, servers[1].url)
    first.stop()
    shorten_windows(home)
    servers.append(restart_prometheus(home.path, int(first.url.rpartition(":")[2])))
    yield LiveTraffic(servers[0].url, servers[2].url, np.random.default_rng(0))
    for server in reversed(servers):
        server.stop()


def test_each_drift_fires_its_own_alert(
    traffic: LiveTraffic, test_set: fashion_mnist.Split
) -> None:
    images, labels = test_set.images.numpy(), test_set.labels.numpy()

    traffic.send(images, 3 * WINDOW_SECONDS, until=traffic.firing)
    assert traffic.firing() == set()
    assert traffic.value("wardrobe:predictions:psi5m") < 0.1
    assert traffic.value("wardrobe:brightness:psi5m") < 0.1
    assert 0.8 < traffic.value("wardrobe:estimated_accuracy:ratio5m") < 0.95

    two = np.isin(labels, list(CLASSES.values()))
    traffic.send(images[two], 6 * WINDOW_SECONDS, until=traffic.firing)
    assert "PredictionsDrift" in traffic.firing()
    share = 'sum(wardrobe:prediction_share:ratio5m{label=~"Bag|Sneaker"})'
    assert traffic.value(share) > 0.85
    baseline = 'sum(wardrobe:prediction_share:baseline{label=~"Bag|Sneaker"})'
    assert 0.15 < traffic.value(baseline) < 0.25

    traffic.send(images, 4 * WINDOW_SECONDS, until=lambda: not traffic.firing())
    assert traffic.firing() == set()

    traffic.send(255 - images, 6 * WINDOW_SECONDS, until=lambda: "InputsDrift" in traffic.firing())
    assert "InputsDrift" in traffic.firing()
    assert traffic.value("wardrobe:estimated_accuracy:ratio5m") < 0.6
