"""The store: whole versions only, nothing unpickled, one champion."""

import pickle
import shutil
from pathlib import Path

import pytest

from tests.processes import Home
from training import model_store


@pytest.fixture
def store(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the session's store, to damage at will."""
    shutil.copytree(home.path / "models", tmp_path / "models")
    shutil.copy(home.path / "champion", tmp_path / "champion")
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return tmp_path / "models" / model_store.MODEL_NAME


def version_folder(store: Path) -> Path:
    return store / (model_store.champion() or "").partition(":")[2]


class Poison:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_custom_objects_are_not_unpickled(store: Path, tmp_path: Path) -> None:
    mark = tmp_path / "unpickled"
    (version_folder(store) / "custom_objects.pkl").write_bytes(pickle.dumps(Poison(mark)))
    model_store.load(model_store.champion() or "")
    assert not mark.exists()


def test_weights_are_not_unpickled(store: Path, tmp_path: Path) -> None:
    mark = tmp_path / "unpickled"
    (version_folder(store) / "weights.pt").write_bytes(pickle.dumps(Poison(mark), protocol=2))
    with pytest.raises(model_store.ModelError, match="cannot be loaded"):
        model_store.load(model_store.champion() or "")
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"not weights"])
def test_damaged_weights_are_named_and_keep_the_champion(store: Path, content: bytes) -> None:
    champion = model_store.champion() or ""
    broken = store / "broken"
    shutil.copytree(version_folder(store), broken)
    (broken / "weights.pt").write_bytes(content)
    with pytest.raises(model_store.ModelError, match="cannot be loaded"):
        model_store.promote(f"{model_store.MODEL_NAME}:broken")
    assert model_store.champion() == champion


def test_half_a_version_is_not_listed(store: Path) -> None:
    whole = model_store.versions()
    (store / "half").mkdir()
    assert model_store.versions() == whole
    assert model_store.champion() in [version.tag for version in whole]


def test_a_save_that_fails_leaves_nothing(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(store.iterdir())
    network = model_store.load(model_store.champion() or "").network

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("torch.save", full)
    with pytest.raises(OSError, match="no space"):
        model_store.save(network, labels={}, metadata={"class_names": ["a"], "network": "mlp"})
    assert sorted(store.iterdir()) == before
    assert list((store.parents[1] / "staging").iterdir()) == []


@pytest.mark.parametrize(
    "tag", ["fashion_mnist_model:../../champion", "other:abc", "", "fashion_mnist_model:", "x"]
)
def test_tags_that_are_none(store: Path, tag: str) -> None:
    with pytest.raises(model_store.ModelError):
        model_store.load(tag)
