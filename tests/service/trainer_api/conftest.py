"""A trainer for the tests of one module."""

from collections.abc import Iterator

import pytest

from tests.support.processes import Home, MakeHome, Server


@pytest.fixture(scope="module")
def own_home(make_home: MakeHome, home: Home) -> Home:
    """A folder with the session's model and no corrections."""
    own = make_home()
    own.take_models_of(home)
    return own


@pytest.fixture(scope="module")
def keeper(own_home: Home) -> Iterator[Server]:
    """A trainer on that folder."""
    server = own_home.serve("trainer")
    yield server
    server.stop()
