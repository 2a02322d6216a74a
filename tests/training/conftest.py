"""What the tests of training share."""

import pytest

from tests.support.processes import Home
from training.data import fashion_mnist
from training.store import versions


@pytest.fixture
def champion(home: Home, monkeypatch: pytest.MonkeyPatch) -> versions.Model:
    monkeypatch.setenv("WARDROBE_HOME", str(home.path))
    tag = versions.list_versions()[-1].tag  # the session's first
    return versions.load(tag)


@pytest.fixture
def dataset(champion: versions.Model) -> fashion_mnist.FashionMNIST:
    return fashion_mnist.load()


@pytest.fixture
def own_store(
    champion: versions.Model,
    dataset: fashion_mnist.FashionMNIST,
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An empty store of corrections; what is read from the session's home is read before."""
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
