"""The gate, on a really trained network and real pictures."""

import base64
import io
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from tests.support.processes import Home, MakeHome
from training import gate
from training.data import fashion_mnist
from training.recipes import resolve
from training.run_recorder import RunRecorder
from training.store import runs, versions
from training.train import train


def head(model: versions.Model) -> nn.Linear:
    last = model.network.head
    assert isinstance(last, nn.Linear)
    return last


def test_a_first_version_passes(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    none = fashion_mnist.Split(dataset.validation.images[:0], dataset.validation.labels[:0])
    decision = gate.evaluate(None, champion.network, dataset.validation, none, dataset.class_names)
    assert decision.promoted
    assert decision.reasons == ["There is no version to compare it with."]
    assert decision.summary()["accuracy"]["before"] is None
    assert 0.7 < decision.summary()["accuracy"]["after"] < 1
    assert decision.summary()["corrections"] == {"count": 0, "before": None, "after": None}


def test_the_same_again_passes(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    held_out = fashion_mnist.Split(dataset.train.images[:40], dataset.train.labels[:40])
    decision = gate.evaluate(
        champion, champion.network, dataset.validation, held_out, dataset.class_names
    )
    assert decision.promoted
    assert decision.reasons[0].startswith("About as accurate: ")
    assert decision.better == decision.worse == []


@pytest.fixture
def damaged(champion: versions.Model) -> versions.Model:
    """The same network, for a test to damage."""
    return versions.load(champion.tag)


def test_one_that_has_forgotten_a_class_is_held_back(
    champion: versions.Model, damaged: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    forgotten = dataset.class_names.index("Bag")
    with torch.no_grad():
        head(damaged).bias[forgotten] -= 100
    bags = dataset.train.labels == forgotten
    held_out = fashion_mnist.Split(dataset.train.images[bags][:5], dataset.train.labels[bags][:5])
    decision = gate.evaluate(
        champion, damaged.network, dataset.validation, held_out, dataset.class_names
    )
    assert not decision.promoted
    reasons = " ".join(decision.reasons)
    assert "Accuracy on Bag: 0.0 % (v1: " in reasons
    assert "Accuracy on test corrections: 0.0 % (v1: " in reasons
    assert "Accuracy: " in reasons
    worst = [one for one in decision.worse if one["label"] == "Bag"]
    assert len(worst) == 3
    assert worst[0]["set"] == "correction"
    assert all(one["before"] == "Bag" != one["after"] for one in worst)
    picture = Image.open(io.BytesIO(base64.b64decode(worst[0]["png"])))
    assert picture.size == (28, 28)


def test_one_that_is_sure_of_everything_is_held_back(
    champion: versions.Model, damaged: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    with torch.no_grad():
        head(damaged).weight.mul_(20)
        head(damaged).bias.mul_(20)
    none = fashion_mnist.Split(dataset.validation.images[:0], dataset.validation.labels[:0])
    decision = gate.evaluate(
        champion, damaged.network, dataset.validation, none, dataset.class_names
    )
    [reason] = decision.reasons
    assert reason.startswith("Calibration error: ")


def test_versions_without_a_common_class_cannot_be_compared(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    none = fashion_mnist.Split(dataset.validation.images[:0], dataset.validation.labels[:0])
    other = replace(champion, class_names=tuple(f"Kind {n}" for n in range(10)))
    decision = gate.evaluate(other, champion.network, dataset.validation, none, dataset.class_names)
    assert not decision.promoted
    assert "other classes" in decision.reasons[0]


def test_a_new_class_that_takes_other_pictures_is_held_back(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    """The champion does not know tops, and the new version takes shirts for them."""
    known = replace(champion, class_names=("Forgotten", *champion.class_names[1:]))
    tops = dataset.train.labels == 0
    held_out = fashion_mnist.Split(dataset.train.images[tops][:20], dataset.train.labels[tops][:20])
    decision = gate.evaluate(
        known, champion.network, dataset.validation, held_out, dataset.class_names
    )
    figures = decision.summary()["new_classes"]["T-shirt/top"]
    assert figures["count"] == 20 + int((dataset.validation.labels == 0).sum())
    assert 0.6 < figures["accuracy"] < 1
    assert figures["taken"] > gate.TAKEN  # shirts
    assert not decision.promoted
    assert any("classified as T-shirt/top, a new class" in it for it in decision.reasons)
    assert decision.summary()["corrections"]["count"] == 0  # the champion cannot know any of them


@pytest.fixture
def gated(
    home: Home, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> Callable[[fashion_mnist.FashionMNIST, int], dict[str, Any]]:
    """Runs on a data set, beside the session's first version as champion; returns the decision."""
    own = make_home()
    own.take_models_of(home)
    monkeypatch.setenv("WARDROBE_HOME", str(own.path))

    def run_on(dataset: fashion_mnist.FashionMNIST, epochs: int) -> dict[str, Any]:
        monkeypatch.setattr(fashion_mnist, "load", lambda: dataset)
        run, lock = runs.create({"recipe": "quick"})
        recorder = RunRecorder(run)
        result = train(resolve("quick", epochs, None), 0, recorder)
        os.close(lock)
        decision = recorder.run.gate
        assert decision is not None
        assert (versions.champion() == result["model"]) is decision["promoted"]
        return decision

    return run_on


def test_a_run_on_shuffled_classes_is_held_back(
    gated: Callable[[fashion_mnist.FashionMNIST, int], dict[str, Any]],
) -> None:
    dataset = fashion_mnist.load()
    shuffled = dataset.train.labels[torch.randperm(len(dataset.train.labels))]
    decision = gated(replace(dataset, train=fashion_mnist.Split(dataset.train.images, shuffled)), 1)
    assert not decision["promoted"]
    assert decision["accuracy"]["after"] < 0.2
    assert decision["reasons"][0].startswith("Accuracy: ")


def test_a_run_that_never_saw_a_class_is_held_back(
    gated: Callable[[fashion_mnist.FashionMNIST, int], dict[str, Any]],
) -> None:
    dataset = fashion_mnist.load()
    others = dataset.train.labels != dataset.class_names.index("Bag")
    rest = fashion_mnist.Split(dataset.train.images[others], dataset.train.labels[others])
    decision = gated(replace(dataset, train=rest), 1)
    assert not decision["promoted"]
    assert any(it.startswith("Accuracy on Bag: 0.0 % ") for it in decision["reasons"])


def test_a_good_run_is_promoted(
    gated: Callable[[fashion_mnist.FashionMNIST, int], dict[str, Any]],
) -> None:
    decision = gated(fashion_mnist.load(), 4)
    assert decision["promoted"], decision["reasons"]
    assert decision["accuracy"]["after"] > decision["accuracy"]["before"]
    assert decision["reasons"][0].startswith("More accurate: ")
