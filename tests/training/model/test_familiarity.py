"""What a version says of pictures that it knows and of others, and that its file is checked."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.processes import Home
from tests.support.samples import unknown_pictures
from tests.support.services.stored_versions import drop_checksums
from training.data import fashion_mnist
from training.familiarity_fitting import fit_familiarity
from training.feedback.run_data import no_pictures
from training.model import networks
from training.model.familiarity import KNOWN_FROM, Familiarity, Samples, fit
from training.model.preprocess import to_input
from training.store import tags, versions

WIDTH = 20


def share_known(model: versions.Model, images: np.ndarray) -> float:
    known = model.predict(images).known
    assert known is not None
    return float(known.mean())


def samples(seed: int, centres: np.ndarray, count: int, spread: float = 1.0) -> Samples:
    """Pictures whose features lie around one centre for each class."""
    chance = np.random.default_rng(seed)
    labels = np.arange(count) % len(centres)
    features = centres[labels] + spread * chance.normal(size=(count, centres.shape[1]))
    logits = 5.0 * np.eye(len(centres))[labels] + chance.normal(size=(count, len(centres)))
    return Samples(features.astype(np.float32), logits.astype(np.float32), labels)


def none(width: int = WIDTH, classes: int = 3) -> Samples:
    empty = np.empty(0, np.int64)
    return Samples(np.empty((0, width), np.float32), np.empty((0, classes), np.float32), empty)


@pytest.fixture
def centres() -> np.ndarray:
    return np.abs(np.random.default_rng(0).normal(2, 3, (3, WIDTH)))


# --- A trained version ---------------------------------------------------------------------------


def test_a_version_knows_clothes_and_not_other_things(
    champion: versions.Model, test_set: fashion_mnist.Split
) -> None:
    assert 0.9 < share_known(champion, test_set.images[:1000].numpy()) < 0.99
    for family in (unknown_pictures.noise, unknown_pictures.clouds, unknown_pictures.stripes):
        assert share_known(champion, unknown_pictures.pictures(family, 100)) < 0.5, family.__name__


def test_familiarity_is_the_rank_among_validation_pictures(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    found = champion.predict(dataset.validation.images.numpy()).familiarity
    assert found is not None
    for share in (KNOWN_FROM, 0.25, 0.5, 0.9):
        assert (found < share).mean() == pytest.approx(share, abs=0.003)


def test_probabilities_do_not_depend_on_the_statistics(
    champion: versions.Model, test_set: fashion_mnist.Split
) -> None:
    images = test_set.images[:300]
    network = champion.network
    with torch.inference_mode():
        features = network.layers(to_input(images).flatten(1))  # type: ignore[operator]
        expected = network.head(features).softmax(1).numpy()
    assert np.array_equal(champion.predict(images.numpy()).probabilities, expected)
    assert np.array_equal(champion.probabilities(images.numpy()), expected)


def test_taught_pictures_become_known(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    images = torch.from_numpy(unknown_pictures.pictures(unknown_pictures.letters, 200))
    told, asked = images[::2], images[1::2]
    for taught, fewest, most in ((told, 0.8, 1.0), (told[:0], 0.0, 0.7)):
        labels = torch.zeros(len(taught), dtype=torch.int64)
        statistics = fit_familiarity(
            champion.network,
            dataset.train,
            dataset.validation,
            fashion_mnist.Split(taught, labels),
        )
        model = versions.Model(
            champion.tag, champion.network, champion.class_names, familiarity=statistics
        )
        assert fewest <= share_known(model, asked.numpy()) <= most
        assert share_known(model, dataset.validation.images.numpy()) > 0.95


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_every_network_can_be_measured(name: str, test_set: fashion_mnist.Split) -> None:
    """With a few pictures of three classes, some of which were taught, as in an empty project."""
    rows = torch.cat([(test_set.labels == label).nonzero().flatten()[:8] for label in range(3)])
    few = fashion_mnist.Split(test_set.images[rows], test_set.labels[rows])
    network = networks.build(name, 3).eval()
    statistics = fit_familiarity(network, no_pictures(), few, few)
    with torch.inference_mode():
        features, logits = network.features_and_logits(to_input(test_set.images[:100]))
        assert torch.equal(logits, network(to_input(test_set.images[:100])))
    assert features.shape == (100, network.head.in_features)
    found = statistics.measure(features.numpy(), logits.numpy())
    assert ((found >= 0) & (found <= 1)).all()
    assert len(statistics.measure(features[:0].numpy(), logits[:0].numpy())) == 0


# --- The statistics ------------------------------------------------------------------------------


def test_the_distances_are_those_of_the_papers(centres: np.ndarray) -> None:
    """Without shortcuts: each distance to each mean by itself, in double precision."""
    known, taught = samples(1, centres, 600), samples(2, centres + 4, 30)
    asked = samples(3, centres + 1, 50, spread=4)
    statistics = fit(known, taught, samples(4, centres, 300))

    def distances(*, is_unit: bool) -> Any:
        def scaled(group: Samples) -> Any:
            wide = group.features.astype(np.float64)
            return wide / np.linalg.norm(wide, axis=1, keepdims=True) if is_unit else wide

        means, covariances = [], []
        for group in (known, taught):
            features = scaled(group)
            own = np.stack([features[group.labels == label].mean(0) for label in range(3)])
            within = np.cov((features - own[group.labels]).T, bias=True)
            shrinkage = WIDTH / (WIDTH + len(features))
            even = np.eye(WIDTH) * np.trace(within) / WIDTH
            covariances.append((1 - shrinkage) * within + shrinkage * even)
            means.append(own)
        covariance = (covariances[0] + covariances[1]) / 2
        every, centre = np.concatenate(means), scaled(known).mean(0)

        def to(mean: np.ndarray, by: np.ndarray) -> Any:
            away = scaled(asked) - mean
            return np.einsum("nf,fg,ng->n", away, np.linalg.inv(by), away)

        nearest = np.min([to(mean, covariance) for mean in every], axis=0)
        if is_unit:
            return nearest
        spread = (every - centre).T @ (every - centre) / len(every)
        return nearest - to(centre, covariance + spread)

    parts = statistics._parts(asked.features, asked.logits)
    assert parts[:, 0] == pytest.approx(distances(is_unit=False), rel=1e-3, abs=0.05)
    assert parts[:, 1] == pytest.approx(distances(is_unit=True), rel=1e-3, abs=0.05)
    assert parts[:, 2] == pytest.approx(np.log(np.exp(asked.logits).sum(1)), rel=1e-5)


def test_what_is_farther_is_less_familiar(centres: np.ndarray) -> None:
    statistics = fit(samples(1, centres, 600), none(), samples(2, centres, 300))
    means = [
        statistics.measure(*samples(3, centres + step, 100)[:2]).mean() for step in (0, 1, 2, 8)
    ]
    assert means == sorted(means, reverse=True)
    assert means[-1] == 0


@pytest.mark.parametrize("features", [0.0, 1e-12, 1e6])
def test_odd_features_have_a_familiarity(centres: np.ndarray, features: float) -> None:
    statistics = fit(samples(1, centres, 9), samples(2, centres, 1), samples(3, centres, 3))
    odd = np.full((2, WIDTH), features, np.float32)
    found = statistics.measure(odd, np.full((2, 3), 200, np.float32))
    assert ((found >= 0) & (found <= 1)).all()


def test_a_file_keeps_all_of_it(centres: np.ndarray, tmp_path: Path) -> None:
    statistics = fit(samples(1, centres, 90), samples(2, centres, 8), samples(3, centres, 50))
    torch.save(statistics.state_dict(), tmp_path / "file")
    again = Familiarity.from_state_dict(torch.load(tmp_path / "file", weights_only=True))
    asked = samples(4, centres + 1, 50)
    assert np.array_equal(again.measure(*asked[:2]), statistics.measure(*asked[:2]))


# --- Versions in the store -----------------------------------------------------------------------


@pytest.fixture
def folder(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A version in a store of its own, to damage at will."""
    first = home.path / "models" / tags.MODEL_NAME
    version = (home.path / "champion").read_text().strip().partition(":")[2]
    copy = tmp_path / "models" / tags.MODEL_NAME / version
    shutil.copytree(first / version, copy)
    drop_checksums(copy)
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return copy


def test_a_version_of_an_earlier_release_cannot_tell(
    folder: Path, test_set: fashion_mnist.Split
) -> None:
    (folder / "familiarity.pt").unlink()
    found = versions.load(tags.to_tag(folder.name)).predict(test_set.images[:3].numpy())
    assert found.probabilities.shape == (3, 10)
    assert (found.known, found.familiarity) == (None, None)


def test_damaged_statistics_are_not_served(folder: Path, centres: np.ndarray) -> None:
    path, tag = folder / "familiarity.pt", tags.to_tag(folder.name)
    whole = torch.load(path, weights_only=True)
    of_another_network = fit(samples(1, centres, 90), none(), samples(2, centres, 50)).state_dict()
    for state in (
        of_another_network,
        whole | {"offset": whole["offset"][1:]},
        whole | {"scores": whole["scores"][1:]},
        {name: value for name, value in whole.items() if name != "weights"},
        {},
    ):
        torch.save(state, path)
        with pytest.raises(versions.ModelError, match="cannot be loaded"):
            versions.load(tag)
    path.write_bytes(b"no statistics")
    with pytest.raises(versions.ModelError, match="cannot be loaded"):
        versions.load(tag)
