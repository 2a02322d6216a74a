"""The gate, the guard and rehearsal: on a really trained network and real pictures."""

import base64
import io
import os
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.support.processes import Home, MakeHome
from tests.support.silhouettes import KINDS, drawn
from training import gate
from training.data import fashion_mnist
from training.evaluation import extract_features, predict
from training.feedback import label_noise, replay, split
from training.model import networks
from training.model.preprocess import preprocess
from training.recipes import RECIPES, NoChampion, resolve
from training.run_recorder import RunRecorder
from training.store import corrections, runs, versions
from training.store.corrections import LabelSubmission
from training.train import train

WRONG_SHARE = 0.05


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


def seen(kind: str, chance: random.Random) -> np.ndarray:
    return preprocess(Image.open(io.BytesIO(drawn(kind, chance))))


def teach(count: int, wrong: int = 0, seed: int = 0) -> set[int]:
    """Corrections of so many drawings of each kind; the ids of those with a wrong class."""
    chance = random.Random(seed)
    pictures = [(seen(kind, chance), kind) for kind in KINDS for _ in range(count)]
    mistaken = set(chance.sample(range(len(pictures)), wrong))
    ids = set()
    for number, (picture, kind) in enumerate(pictures):
        said = chance.choice([it for it in KINDS if it != kind]) if number in mistaken else kind
        correction, _ = corrections.add(picture, LabelSubmission(said, source="pad"))
        if number in mistaken:
            ids.add(correction.id)
    return ids


# --- The gate ------------------------------------------------------------------------------------


def test_a_first_version_passes(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    none = fashion_mnist.Split(dataset.validation.images[:0], dataset.validation.labels[:0])
    verdict = gate.evaluate(None, champion.network, dataset.validation, none, dataset.class_names)
    assert verdict.promoted
    assert verdict.reasons == ["There is no version to compare it with."]
    assert verdict.summary()["accuracy"]["before"] is None
    assert 0.7 < verdict.summary()["accuracy"]["after"] < 1
    assert verdict.summary()["corrections"] == {"count": 0, "before": None, "after": None}


def test_the_same_again_passes(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    held_out = fashion_mnist.Split(dataset.train.images[:40], dataset.train.labels[:40])
    verdict = gate.evaluate(
        champion, champion.network, dataset.validation, held_out, dataset.class_names
    )
    assert verdict.promoted
    assert verdict.reasons[0].startswith("It is not worse: right ")
    assert verdict.better == verdict.worse == []


@pytest.fixture
def damaged(champion: versions.Model) -> versions.Model:
    """The same network, to be spoiled by a test."""
    return versions.load(champion.tag)


def head(model: versions.Model) -> nn.Linear:
    last = model.network.head
    assert isinstance(last, nn.Linear)
    return last


def test_one_that_has_forgotten_a_class_is_held_back(
    champion: versions.Model, damaged: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    forgotten = dataset.class_names.index("Bag")
    with torch.no_grad():
        head(damaged).bias[forgotten] -= 100
    bags = dataset.train.labels == forgotten
    held_out = fashion_mnist.Split(dataset.train.images[bags][:5], dataset.train.labels[bags][:5])
    verdict = gate.evaluate(
        champion, damaged.network, dataset.validation, held_out, dataset.class_names
    )
    assert not verdict.promoted
    told = " ".join(verdict.reasons)
    assert "It names 0.0% of Bag right" in told
    assert "corrections that are held out it names 0% right" in told
    assert "On validation pictures it is right" in told
    worst = [one for one in verdict.worse if one["label"] == "Bag"]
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
    verdict = gate.evaluate(
        champion, damaged.network, dataset.validation, none, dataset.class_names
    )
    [reason] = verdict.reasons
    assert reason.startswith("Its confidence is off by ")


def test_classes_that_differ_cannot_be_compared(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    none = fashion_mnist.Split(dataset.validation.images[:0], dataset.validation.labels[:0])
    other = replace(champion, class_names=("Hat", *champion.class_names[1:]))
    verdict = gate.evaluate(other, champion.network, dataset.validation, none, dataset.class_names)
    assert not verdict.promoted
    assert "other classes" in verdict.reasons[0]


@pytest.fixture
def gated(
    home: Home, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> Callable[[fashion_mnist.FashionMNIST, int], dict[str, Any]]:
    """Runs on a data set, beside the session's first version as champion; tells the verdict."""
    own = make_home()
    own.take_models_of(home)
    monkeypatch.setenv("WARDROBE_HOME", str(own.path))

    def run_on(dataset: fashion_mnist.FashionMNIST, epochs: int) -> dict[str, Any]:
        monkeypatch.setattr(fashion_mnist, "load", lambda: dataset)
        run, lock = runs.create({"recipe": "quick"})
        recorder = RunRecorder(run)
        result = train(resolve("quick", epochs, None), 0, recorder)
        os.close(lock)
        verdict = recorder.run.gate
        assert verdict is not None
        assert (versions.champion() == result["model"]) is verdict["promoted"]
        return verdict

    return run_on


def test_a_run_on_shuffled_classes_is_held_back(
    gated: Callable[[fashion_mnist.FashionMNIST, int], dict[str, Any]],
) -> None:
    dataset = fashion_mnist.load()
    shuffled = dataset.train.labels[torch.randperm(len(dataset.train.labels))]
    verdict = gated(replace(dataset, train=fashion_mnist.Split(dataset.train.images, shuffled)), 1)
    assert not verdict["promoted"]
    assert verdict["accuracy"]["after"] < 0.2
    assert verdict["reasons"][0].startswith("On validation pictures it is right ")


def test_a_run_that_never_saw_a_class_is_held_back(
    gated: Callable[[fashion_mnist.FashionMNIST, int], dict[str, Any]],
) -> None:
    dataset = fashion_mnist.load()
    others = dataset.train.labels != dataset.class_names.index("Bag")
    seen = fashion_mnist.Split(dataset.train.images[others], dataset.train.labels[others])
    verdict = gated(replace(dataset, train=seen), 1)
    assert not verdict["promoted"]
    assert any(it.startswith("It names 0.0% of Bag right") for it in verdict["reasons"])


def test_a_good_run_is_promoted(
    gated: Callable[[fashion_mnist.FashionMNIST, int], dict[str, Any]],
) -> None:
    verdict = gated(fashion_mnist.load(), 4)
    assert verdict["promoted"], verdict["reasons"]
    assert verdict["accuracy"]["after"] > verdict["accuracy"]["before"]
    assert verdict["reasons"][0].startswith("It is not worse: ")


# --- The guard -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("own_store")
def test_wrong_classes_among_new_drawings_are_set_aside(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    """The champion knows few of the drawings: that alone must not make them look wrong."""
    count = len(KINDS) * 20
    mistaken = teach(20, wrong=round(WRONG_SHARE * count))
    usable = corrections.usable(dataset.class_names)
    answers = predict(champion.network, torch.from_numpy(usable.images)).argmax(1)
    assert (answers.numpy() == usable.labels).mean() < 0.7
    reasons = label_noise.find_suspects(champion, dataset.train, usable)
    assert len(set(reasons) & mistaken) >= len(mistaken) / 2
    assert len(set(reasons) - mistaken) <= 0.05 * (count - len(mistaken))
    assert all(
        why.startswith("The pictures most like it are labelled ") for why in reasons.values()
    )


@pytest.mark.usefixtures("own_store")
def test_a_burst_of_one_class_that_looks_wrong_waits_as_a_whole(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    bags = dataset.train.images[dataset.train.labels == dataset.class_names.index("Bag")]
    for picture in bags[:15]:
        corrections.add(picture.numpy(), LabelSubmission("Trouser"))
    usable = corrections.usable(dataset.class_names)
    reasons = label_noise.find_suspects(champion, dataset.train, usable)
    assert set(reasons) == set(usable.ids.tolist())
    told = [why for why in reasons.values() if "of 15 with this class that came within" in why]
    assert len(told) >= 10


@pytest.mark.usefixtures("own_store")
def test_what_a_person_has_accepted_is_never_set_aside(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    bags = dataset.train.images[dataset.train.labels == dataset.class_names.index("Bag")]
    typical = predict(champion.network, bags)[:, dataset.class_names.index("Bag")].argmax()
    correction, _ = corrections.add(bags[typical].numpy(), LabelSubmission("Trouser"))
    assert split.split_corrections(champion, dataset).quarantined == 1
    assert corrections.get(correction.id).state == corrections.QUARANTINED
    assert "Bag" in str(corrections.get(correction.id).reason)
    corrections.accept(correction.id)
    chosen = split.split_corrections(champion, dataset)
    assert chosen.quarantined == 0
    assert len(chosen.sample_ids) + len(chosen.held_out.labels) == 1


# --- Lessons and rehearsal -----------------------------------------------------------------------


@pytest.mark.usefixtures("own_store")
def test_what_is_held_out_is_never_taught(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    teach(4)
    chosen = split.split_corrections(champion, dataset)
    there = list(corrections.each())
    held_out = {it.content_hash for it in there if it.held_out}
    taught = {name.partition(":")[0] for name in chosen.sample_ids}
    assert taught
    assert held_out
    assert taught & held_out == set()
    assert chosen.counts()["used"] == len(taught)
    by_hash = {it.content_hash: it for it in there}
    for name, image, label in zip(
        chosen.sample_ids, chosen.train.images, chosen.train.labels, strict=True
    ):
        digest, _, said = name.partition(":")
        assert by_hash[digest].label == said == dataset.class_names[label]
        assert (by_hash[digest].pixels == image.numpy()).all()
    only_measured = split.split_corrections(champion, dataset, for_training=False)
    assert only_measured.sample_ids == []
    assert len(only_measured.held_out.labels) == len(chosen.held_out.labels)


@pytest.mark.usefixtures("own_store")
def test_a_damaged_store_stops_only_who_would_learn_from_it(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    corrections.path().write_bytes(b"this is no database" * 100)
    assert split.split_corrections(champion, dataset, for_training=False).counts() == {
        "used": 0,
        "held_out": 0,
        "quarantined": 0,
    }
    with pytest.raises(corrections.StoreUnavailable):
        split.split_corrections(champion, dataset)


def test_an_epoch_shows_originals_and_lessons(dataset: fashion_mnist.FashionMNIST) -> None:
    taught = fashion_mnist.Split(dataset.validation.images[:30], dataset.validation.labels[:30])
    none = fashion_mnist.Split(taught.images[:0], taught.labels[:0])
    recipe = resolve("finetune", 4, "cnn-small")
    order = torch.Generator().manual_seed(0)
    shown = replay.epoch(dataset.train, taught, recipe, order)
    assert len(shown.labels) == replay.size(dataset.train, taught, recipe)
    lesson_count = len(shown.labels) - recipe.replay  # type: ignore[operator]
    assert lesson_count == min(100 * 30, round(7_500 * 0.25 / 0.75))
    assert shown.labels[-lesson_count:].tolist() == (taught.labels.tolist() * 100)[:lesson_count]
    first, second = shown.images[7_500], shown.images[7_530]  # the same, varied anew
    assert not torch.equal(first, second)
    again = replay.epoch(dataset.train, taught, recipe, torch.Generator().manual_seed(0))
    assert torch.equal(shown.images, again.images)
    quick = replay.epoch(dataset.train, none, RECIPES["quick"], order)
    assert torch.equal(quick.images, dataset.train.images)


def test_a_recipe_from_the_champion_needs_one() -> None:
    with pytest.raises(NoChampion, match="train a first one"):
        resolve("finetune", 4, None)
    assert resolve("finetune", 4, "mlp-small").network == "mlp-small"


def test_features_are_what_the_head_sees_and_probabilities_what_it_says(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    images = dataset.validation.images[:300]
    features, probabilities = extract_features(champion.network, images)
    assert features.shape == (300, head(champion).in_features)
    assert torch.allclose(features.norm(dim=1), torch.ones(300), atol=1e-5)
    assert torch.equal(probabilities, predict(champion.network, images))


@pytest.mark.parametrize("name", ["mlp", "cnn-small"])
def test_a_picture_has_one_row_of_features_however_often_it_is_seen(
    name: str, test_set: fashion_mnist.Split
) -> None:
    network, images = networks.build(name, 10), test_set.images[:7]
    features, probabilities = extract_features(network, images)
    alone = torch.cat([extract_features(network, image[None])[0] for image in images])
    assert len(features) == len(probabilities) == len(images)
    assert torch.allclose(features, alone, atol=1e-5)
    assert extract_features(network, images[:0])[0].shape == (0, features.shape[1])


def test_a_mirrored_network_takes_a_picture_and_its_mirror_image_for_alike(
    test_set: fashion_mnist.Split,
) -> None:
    network, images = networks.build("cnn-small", 10), test_set.images[:7]
    assert torch.allclose(
        extract_features(network, images)[0],
        extract_features(network, images.flip(2))[0],
        atol=1e-5,
    )
