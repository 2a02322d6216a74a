"""The accuracy that is expected without labels, against the true one."""

from functools import partial

import pytest
import torch

from tests.support.processes import Home
from training.accuracy_estimation import fit_estimator
from training.data import corruptions, fashion_mnist
from training.evaluation import predict
from training.store import versions


@pytest.fixture(autouse=True)
def use_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROBE_HOME", str(home.path))


@pytest.fixture
def model(home: Home) -> versions.Model:
    return versions.load(versions.list_versions()[-1].tag)


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_a_stronger_corruption_changes_a_picture_more(
    name: str, test_set: fashion_mnist.Split
) -> None:
    images = test_set.images[:50]
    changes = []
    for strength in (0.1, 0.5, 1.0):
        generator = torch.Generator().manual_seed(0)
        worse = corruptions.CORRUPTIONS[name](images, strength, generator)
        assert (worse.shape, worse.dtype) == (images.shape, torch.uint8)
        changes.append(float((worse.float() - images.float()).abs().mean()))
    assert changes[0] > 0
    assert changes[2] > changes[0] or name == "invert"


def test_the_same_seed_corrupts_the_same_way(test_set: fashion_mnist.Split) -> None:
    one, other = (
        corruptions.corrupt(test_set.images[:200], torch.Generator().manual_seed(3))
        for _ in range(2)
    )
    assert torch.equal(one, other)
    assert not torch.equal(one, test_set.images[:200])


def test_the_estimate_on_corrupted_pictures_is_nearer_the_accuracy_than_confidence(
    model: versions.Model, test_set: fashion_mnist.Split
) -> None:
    labels = test_set.labels[:2_000]
    assert model.accuracy_estimator is not None
    off, confidence_off = [], []
    for name in ("nothing", "noise", "blur", "shift", "fog", "invert"):
        images = test_set.images[:2_000]
        if name != "nothing":
            images = corruptions.CORRUPTIONS[name](images, 0.6, torch.Generator().manual_seed(1))
        answers = predict(model.network, images)
        true = float((answers.argmax(1) == labels).float().mean())
        off.append(abs(model.accuracy_estimator.expected_accuracy(images, answers) - true))
        confidence_off.append(abs(float(answers.max(1).values.mean()) - true))
    assert max(off) < 0.12  # of one epoch of the quick recipe: a weak version
    assert sum(off) < sum(confidence_off) / 2


def test_an_estimator_is_the_same_for_the_same_seed(model: versions.Model) -> None:
    validation = fashion_mnist.load().validation
    some = fashion_mnist.Split(validation.images[:500], validation.labels[:500])
    one, other = (fit_estimator(partial(predict, model.network), some, 10, 0) for _ in range(2))
    assert all(
        torch.equal(one.state_dict()[name], other.state_dict()[name]) for name in one.state_dict()
    )


def test_a_version_needs_no_estimator(model: versions.Model) -> None:
    metadata = {"network": "mlp-small", "class_names": list(model.class_names)}
    tag = versions.save(model.network, labels={}, metadata=metadata)
    assert versions.load(tag).accuracy_estimator is None
