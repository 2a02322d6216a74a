"""Services for the monitoring tests only, since these promote versions and count every request."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.processes import Home, wait_for
from tests.support.watched import Watched, start_prometheus


@pytest.fixture(scope="session")
def watched(make_home: Callable[[], Home]) -> Iterator[Watched]:
    """A real classifier with one version, a real trainer and a real Prometheus."""
    home = make_home()
    trained = home.train("--recipe", "quick", "--epochs", "1")
    assert trained.returncode == 0, trained.stderr
    servers = [home.serve("classifier", CLASSIFIER_WORKERS="2"), home.serve("trainer")]
    servers.append(start_prometheus(home.path, servers[0].url, servers[1].url))
    watched = Watched(*(server.url for server in servers))
    wait_for(lambda: watched.total("wardrobe:up:sum") == 3, 20, "three processes up")
    yield watched
    for server in reversed(servers):
        server.stop()
