"""The pictures that a version keeps to explain its answers with, and how their file is checked."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.processes import Home
from tests.support.services.stored_versions import drop_checksums
from training.data import fashion_mnist
from training.data.fashion_mnist import Split
from training.description.examples import choose_examples
from training.model.examples import Examples
from training.store import tags, versions


def examples(features: list[list[float]]) -> Examples:
    count = len(features)
    return Examples(
        images=np.zeros((count, 28, 28), np.uint8),
        labels=np.arange(count),
        is_correction=np.zeros(count, np.bool_),
        features=np.array(features, np.float32),
    )


def test_the_nearest_are_those_in_the_same_direction_whatever_the_length() -> None:
    found = examples([[0, 1], [1, 0], [0.6, 0.8]])
    rows, similarity = found.nearest(np.array([30, 40], np.float32), 2)
    assert rows.tolist() == [2, 0]
    assert similarity.tolist() == pytest.approx([1, 0.8])
    assert found.nearest(np.zeros(2, np.float32), 5)[0].tolist() == [0, 1, 2]


def test_a_version_finds_pictures_of_the_class_among_those_it_learned_from(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST, test_set: Split
) -> None:
    stored = versions.load_examples(champion.tag)
    assert stored is not None
    assert np.bincount(stored.labels).tolist() == [300] * 10
    assert not stored.is_correction.any()
    own = champion.outputs(stored.images[7][None])[1][0]
    rows, similarity = stored.nearest(own, 6)
    assert rows[0] == 7
    assert similarity[0] == pytest.approx(1, abs=1e-3)
    trouser = test_set.images[test_set.labels == 1][:1].numpy()
    rows, _ = stored.nearest(champion.outputs(trouser)[1][0], 6)
    assert (stored.labels[rows] == 1).sum() >= 4


def test_corrections_are_kept_beside_the_data_set_the_newest_if_there_are_many(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    few = Split(dataset.train.images[:500], dataset.train.labels[:500])
    taught = Split(dataset.validation.images[:2_500], dataset.validation.labels[:2_500])
    found = choose_examples(champion.network, few, taught)
    assert found.is_correction.sum() == 2_000
    assert np.array_equal(found.images[-1], taught.images[-1].numpy())
    assert len(found.images) == 2_500
    assert np.array_equal(found.labels[~found.is_correction], np.sort(few.labels.numpy()))


# --- Its file ------------------------------------------------------------------------------------


@pytest.fixture
def folder(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A version in a store of its own, to damage at will."""
    version = (home.path / "champion").read_text().strip().partition(":")[2]
    copy = tmp_path / "models" / tags.MODEL_NAME / version
    shutil.copytree(home.path / "models" / tags.MODEL_NAME / version, copy)
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return copy


def test_a_version_of_an_earlier_release_has_none(folder: Path) -> None:
    drop_checksums(folder)
    (folder / "examples.pt").unlink()
    assert versions.load_examples(tags.to_tag(folder.name)) is None


def test_without_its_examples_a_version_is_served_all_the_same(folder: Path) -> None:
    path, tag = folder / "examples.pt", tags.to_tag(folder.name)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(versions.DamagedVersion, match="not the file that was stored"):
        versions.load_examples(tag)
    path.unlink()
    with pytest.raises(versions.DamagedVersion, match=r"missing; the version itself is whole"):
        versions.load_examples(tag)
    assert versions.load(tag).tag == tag
    assert [it.error for it in versions.list_versions()] == [None]


def test_parts_that_do_not_fit_together_are_not_used(folder: Path) -> None:
    path, tag = folder / "examples.pt", tags.to_tag(folder.name)
    drop_checksums(folder)
    whole = torch.load(path, weights_only=True)
    for state in (
        whole | {"labels": whole["labels"][1:]},
        whole | {"features": whole["features"][0]},
        whole | {"images": whole["images"].float()},
        whole | {"labels": whole["labels"] + 1},
        {name: value for name, value in whole.items() if name != "is_correction"},
        {},
    ):
        torch.save(state, path)
        with pytest.raises(versions.DamagedVersion, match="cannot be read"):
            versions.load_examples(tag)
