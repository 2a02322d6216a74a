"""A Prometheus that watches the session's services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Server, wait_for
from tests.support.watched import ask, start_prometheus


@pytest.fixture(scope="module")
def prometheus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prometheus")


@pytest.fixture(scope="module")
def prometheus(prometheus_folder: Path, classifier_url: str, trainer_url: str) -> Iterator[Server]:
    """A Prometheus that has scraped both services, and traffic on the classifier."""
    server = start_prometheus(prometheus_folder, classifier_url, trainer_url)
    wait_for(lambda: len(ask(server.url, "wardrobe:up:sum == 1")) == 3, 20, "three processes up")
    yield server
    server.stop()
