"""The store: whole versions only, nothing unpickled, one champion."""

import pickle
import shutil
from pathlib import Path

import pytest

from tests.support.processes import Home
from tests.support.services.stored_versions import drop_checksums
from training.store import tags, versions


@pytest.fixture
def store(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the session's store, to damage at will."""
    shutil.copytree(home.path / "models", tmp_path / "models")
    shutil.copy(home.path / "champion", tmp_path / "champion")
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return tmp_path / "models" / tags.MODEL_NAME


def version_folder(store: Path) -> Path:
    return store / (versions.champion() or "").partition(":")[2]


class Poison:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_custom_objects_are_not_unpickled(store: Path, tmp_path: Path) -> None:
    mark = tmp_path / "unpickled"
    (version_folder(store) / "custom_objects.pkl").write_bytes(pickle.dumps(Poison(mark)))
    versions.load(versions.champion() or "")
    assert not mark.exists()


def test_weights_are_not_unpickled(store: Path, tmp_path: Path) -> None:
    mark = tmp_path / "unpickled"
    drop_checksums(version_folder(store))  # whoever writes weights can write their checksum
    (version_folder(store) / "weights.pt").write_bytes(pickle.dumps(Poison(mark), protocol=2))
    with pytest.raises(versions.ModelError, match="cannot be loaded"):
        versions.load(versions.champion() or "")
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"not weights"])
def test_damaged_weights_are_named_and_keep_the_champion(store: Path, content: bytes) -> None:
    champion = versions.champion() or ""
    broken = store / "broken"
    shutil.copytree(version_folder(store), broken)
    drop_checksums(broken)
    (broken / "weights.pt").write_bytes(content)
    with pytest.raises(versions.ModelError, match="cannot be loaded"):
        versions.promote(f"{tags.MODEL_NAME}:broken")
    assert versions.champion() == champion


def test_half_a_version_is_listed_as_damaged(store: Path) -> None:
    whole = versions.list_versions()
    (store / "half").mkdir()
    listed = versions.list_versions()
    assert [version for version in listed if version.error is None] == whole
    [half] = [version for version in listed if version.error is not None]
    assert half.tag == f"{tags.MODEL_NAME}:half"
    assert "train again" in str(half.error)


def test_a_save_that_fails_leaves_nothing(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(store.iterdir())
    network = versions.load(versions.champion() or "").network

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("torch.save", full)
    with pytest.raises(OSError, match="no space"):
        versions.save(network, labels={}, metadata={"class_names": ["a"], "network": "mlp"})
    assert sorted(store.iterdir()) == before
    assert list((store.parents[1] / "staging").iterdir()) == []


@pytest.mark.parametrize(
    "tag", ["fashion_mnist_model:../../champion", "other:abc", "", "fashion_mnist_model:", "x"]
)
def test_tags_that_are_none(store: Path, tag: str) -> None:
    with pytest.raises(versions.ModelError):
        versions.load(tag)
