"""Unknown pictures become review requests: only if wanted, only some, and never in the way."""

from pathlib import Path

import numpy as np
import pytest

from service.inference.unknown_reviews import UnknownReviews
from tests.support.processes import Home, wait_for
from training.data import fashion_mnist
from training.store import corrections, versions


@pytest.fixture
def model(home: Home, monkeypatch: pytest.MonkeyPatch) -> versions.Model:
    monkeypatch.setenv("WARDROBE_HOME", str(home.path))
    return versions.load(versions.list_versions()[-1].tag)


@pytest.fixture
def own_home(model: versions.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder; the model is read before."""
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def noise() -> np.ndarray:
    """Pictures that no model knows."""
    return np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)


def offer(reviews: UnknownReviews, images: np.ndarray, model: versions.Model) -> None:
    reviews.offer(images, model.predict(images), model)


def test_some_unknown_pictures_wait_for_a_person_and_known_ones_are_not_stored(
    own_home: Path,
    model: versions.Model,
    noise: np.ndarray,
    test_set: fashion_mnist.Split,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEEP_UNKNOWN", "1")
    predictions = model.predict(test_set.images[:200].numpy())
    assert predictions.known is not None
    known = test_set.images.numpy()[:200][predictions.known]
    reviews = UnknownReviews()
    reviews.start()
    offer(reviews, known, model)
    offer(reviews, np.concatenate((known[:3], noise)), model)
    offer(reviews, noise[10:], model)  # too soon after the others
    wait_for(lambda: corrections.counts()["review_requested"], what="review requests")
    reviews.stop()
    stored = corrections.page()
    assert 1 <= len(stored) <= 5
    assert {it.picture for it in stored} <= {picture.tobytes() for picture in noise[:10]}
    for one in stored:
        assert one.state == "review_requested"
        assert one.reason == "The model does not know this picture."
        assert (one.source, one.model) == ("unknown", model.tag)
        assert one.label == one.predicted
        assert one.label in model.class_names


def test_nothing_is_stored_unless_it_is_wanted(
    own_home: Path, model: versions.Model, noise: np.ndarray
) -> None:
    reviews = UnknownReviews()
    reviews.start()
    offer(reviews, noise, model)
    reviews.stop()
    assert list(own_home.iterdir()) == []


def test_a_store_that_cannot_be_written_is_in_nobodys_way(
    own_home: Path,
    model: versions.Model,
    noise: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("KEEP_UNKNOWN", "1")
    (own_home / "file").touch()
    monkeypatch.setenv("WARDROBE_HOME", str(own_home / "file"))
    reviews = UnknownReviews()
    reviews.start()
    offer(reviews, noise, model)
    wait_for(lambda: "cannot request reviews of unknown pictures" in caplog.text, what="a message")
    reviews.stop()
