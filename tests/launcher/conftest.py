"""Launchers for tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.launched import Wardrobe, clean_up


@pytest.fixture
def wardrobe(tmp_path: Path) -> Iterator[Wardrobe]:
    """A launcher that is not started yet."""
    it = Wardrobe(tmp_path)
    yield it
    clean_up(it)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wardrobe]:
    """A launcher with everything ready, for tests that leave it so."""
    it = Wardrobe(tmp_path_factory.mktemp("running"))
    it.start_and_wait()
    yield it
    clean_up(it)
