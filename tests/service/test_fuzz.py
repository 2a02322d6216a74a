"""A few hundred mutated requests to real services: nothing fails, hangs, dies or grows.

`make bench-fuzz` sends 100,000.
"""

from collections.abc import Iterator

import pytest

from tests.support.fuzz.cases import Fuzzer
from tests.support.fuzz.session import Session, Watch
from tests.support.processes import Home, MakeHome, Server, wait_for
from tests.support.services import event_loop
from tests.support.services.correction_calls import keep, new_picture

SEED = 22
REQUESTS = 500
CLIENTS = 4
MOST_MB = 1_000


@pytest.fixture(scope="module")
def servers(make_home: MakeHome, home: Home) -> Iterator[dict[str, Server]]:
    """A classifier and a trainer of their own, with a version and some corrections."""
    own = make_home()
    own.take_models_of(home)
    servers = {"classifier": own.serve("classifier", CLASSIFIER_WORKERS="2")}
    servers["trainer"] = own.serve("trainer")
    wait_for(lambda: servers["classifier"].get("/model")["serving"], what="a model that serves")
    for _ in range(5):
        keep(servers["trainer"], new_picture())
    yield servers
    for server in servers.values():
        server.stop()


def test_mutated_requests_break_nothing(servers: dict[str, Server]) -> None:
    session = Session(servers)
    fuzzer = Fuzzer(session.calls(), session.known(), SEED, large=False)
    with Watch(servers) as watch:
        event_loop.run(session.run(fuzzer, range(REQUESTS), CLIENTS))
    found = session.findings

    assert found.statuses.total() == REQUESTS
    assert any(status == 200 for _, status in found.statuses)
    assert not found.server_errors
    assert not found.unanswered
    assert not found.slow
    assert not found.without_sentence
    assert watch.pids() == watch.before
    assert max(watch.peak_mb.values()) < MOST_MB
    assert not any(watch.tracebacks().values())


def test_a_case_is_the_same_for_a_seed(servers: dict[str, Server]) -> None:
    session = Session(servers)
    [first, second] = [Fuzzer(session.calls(), session.known(), SEED) for _ in range(2)]

    assert [first.case(index) for index in range(50)] == [second.case(index) for index in range(50)]
