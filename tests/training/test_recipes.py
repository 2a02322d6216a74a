"""How the recipes train, on a part of the real data."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from tests.support.processes import MakeHome
from training import checkpoints
from training.calibration import (
    calibrate,
    calibration_bins,
    calibration_error,
    fit_temperature,
)
from training.data import fashion_mnist
from training.data.augment import augment
from training.evaluation import evaluate, infer, predict
from training.feedback import split
from training.loop import fit
from training.model import networks
from training.optim.infobatch import select_samples
from training.recipes import DEFAULT_RECIPE, RECIPES, NoChampion, resolve
from training.run_recorder import RunRecorder
from training.store import runs, versions
from training.train import train

FEW = 4_000
"""Training pictures: enough to learn from in a few seconds."""


@pytest.fixture(autouse=True)
def use_own_home(make_home: MakeHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the session's: its services would show these runs, which have no settings."""
    monkeypatch.setenv("WARDROBE_HOME", str(make_home().path))


@pytest.fixture
def few() -> fashion_mnist.FashionMNIST:
    """Fashion-MNIST with a part of its training and validation pictures."""
    dataset = fashion_mnist.load()
    return replace(
        dataset,
        train=fashion_mnist.Split(dataset.train.images[:FEW], dataset.train.labels[:FEW]),
        validation=fashion_mnist.Split(
            dataset.validation.images[:1000], dataset.validation.labels[:1000]
        ),
    )


@pytest.fixture
def recorder() -> Iterator[RunRecorder]:
    run, lock = runs.create({})
    yield RunRecorder(run)
    runs.end(run.run_id, "cancelled", None)
    os.close(lock)


def trained(
    name: str, dataset: fashion_mnist.FashionMNIST, recorder: RunRecorder, epochs: int
) -> networks.Network:
    recipe = replace(RECIPES[name], epochs=epochs)
    torch.manual_seed(0)
    network = networks.build(recipe.network, 10)
    fit(network, recipe, dataset, 0, recorder, split.split_corrections(None, dataset))
    return network


@pytest.mark.parametrize("name", ["standard", "quick"])
def test_the_loss_falls(few: fashion_mnist.FashionMNIST, recorder: RunRecorder, name: str) -> None:
    network = trained(name, few, recorder, 3)
    losses = [epoch["loss"] for epoch in recorder.run.epochs]
    assert losses == sorted(losses, reverse=True)
    held_out = evaluate(predict(network, few.validation.images), few.validation.labels)
    assert held_out["accuracy"] > 0.7


@pytest.mark.parametrize("has_bfloat16", [True, False])
def test_a_device_learns_with_and_without_bfloat16(
    few: fashion_mnist.FashionMNIST,
    recorder: RunRecorder,
    monkeypatch: pytest.MonkeyPatch,
    has_bfloat16: bool,
) -> None:
    monkeypatch.setattr("training.hardware.has_bfloat16", lambda device: has_bfloat16)
    network = trained("quick", few, recorder, 3)
    held_out = evaluate(predict(network, few.validation.images), few.validation.labels)
    assert held_out["accuracy"] > 0.7
    assert all(part.dtype == torch.float32 for part in network.parameters())


def test_nothing_is_learned_from_shuffled_labels(
    few: fashion_mnist.FashionMNIST, recorder: RunRecorder
) -> None:
    permutation = torch.randperm(FEW, generator=torch.Generator().manual_seed(1))
    shuffled = replace(
        few, train=fashion_mnist.Split(few.train.images, few.train.labels[permutation])
    )
    network = trained("standard", shuffled, recorder, 2)
    held_out = evaluate(predict(network, few.validation.images), few.validation.labels)
    assert held_out["accuracy"] < 0.25


@pytest.mark.parametrize("name", ["standard", "best"])
def test_the_same_seed_gives_the_same_weights(
    few: fashion_mnist.FashionMNIST, recorder: RunRecorder, name: str
) -> None:
    small = replace(
        few, train=fashion_mnist.Split(few.train.images[:1000], few.train.labels[:1000])
    )
    one, other = (trained(name, small, recorder, 1).state_dict() for _ in range(2))
    assert all(torch.equal(one[part], other[part]) for part in one)


class CutOffError(Exception):
    """What ends a run between two epochs."""


@pytest.mark.parametrize("name", ["standard", "best"])
def test_a_run_that_was_cut_off_ends_with_the_weights_of_one_that_was_not(
    few: fashion_mnist.FashionMNIST,
    recorder: RunRecorder,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """With everything that a recipe can have: chance, momentum and pictures that are left out."""
    small = replace(
        few, train=fashion_mnist.Split(few.train.images[:1000], few.train.labels[:1000])
    )
    whole = trained(name, small, recorder, 3).state_dict()
    figures = recorder.run.epochs

    record = RunRecorder.epoch

    def record_and_stop(self: RunRecorder, last: dict[str, float]) -> None:
        record(self, last)
        if last["epoch"] == 2:
            raise CutOffError

    with monkeypatch.context() as patch:
        patch.setattr(RunRecorder, "epoch", record_and_stop)
        with pytest.raises(CutOffError):
            trained(name, small, recorder, 3)
    runs.end(recorder.run.run_id, "interrupted", None)
    run, lock = runs.create({})
    resumed_recorder = RunRecorder(run)
    recipe = replace(RECIPES[name], epochs=3)
    network = networks.build(recipe.network, 10)
    checkpoint = checkpoints.take_over(recorder.run.run_id, run.run_id)
    fit(
        network,
        recipe,
        small,
        0,
        resumed_recorder,
        split.split_corrections(None, small),
        checkpoint,
    )
    os.close(lock)
    resumed = network.state_dict()
    assert resumed_recorder.run.epochs == figures
    assert all(torch.equal(whole[part], resumed[part]) for part in whole)


def test_test_pictures_have_no_part_in_training(
    few: fashion_mnist.FashionMNIST, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other test labels: the same weights, and only the final figures differ."""
    test = fashion_mnist.load_test()
    wrong = fashion_mnist.Split(test.images, (test.labels + 1) % 10)
    recipe = replace(RECIPES["quick"], epochs=1)
    monkeypatch.setattr(fashion_mnist, "load", lambda: few)
    results, weights, reads = [], [], 0
    for parts in (test, wrong):

        def load_test(parts: fashion_mnist.Split = parts) -> fashion_mnist.Split:
            nonlocal reads
            reads += 1
            return parts

        monkeypatch.setattr(fashion_mnist, "load_test", load_test)
        run, lock = runs.create({})
        results.append(train(recipe, 0, RunRecorder(run), promote=False))
        os.close(lock)
        weights.append(versions.load(results[-1]["model"]).network.state_dict())
    assert reads == 2
    assert results[0]["accuracy"] > 0.6 > 0.2 > results[1]["accuracy"]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_temperature_calibrates_confidence() -> None:
    generator = torch.Generator().manual_seed(0)
    calibrated = 2 * torch.randn(20_000, 10, generator=generator)
    labels = calibrated.softmax(1).multinomial(1, generator=generator).squeeze(1)
    overconfident = 3 * calibrated
    assert calibration_error(overconfident.softmax(1), labels) > 0.1
    temperature = fit_temperature(overconfident, labels)
    assert temperature == pytest.approx(3, rel=0.03)
    assert calibration_error((overconfident / temperature).softmax(1), labels) < 0.01


def test_the_bins_of_the_calibration_error_say_how_sure_and_how_often_right() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.6, 0.4]])
    bins = calibration_bins(probabilities, torch.tensor([0, 1, 1, 0]))
    assert [it["pictures"] for it in bins] == [1, 3]
    assert [it["confidence"] for it in bins] == pytest.approx([0.6, 0.9])
    assert [it["accuracy"] for it in bins] == pytest.approx([1, 2 / 3])
    expected = (0.4 + 3 * (0.9 - 2 / 3)) / 4
    assert calibration_error(probabilities, torch.tensor([0, 1, 1, 0])) == pytest.approx(expected)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_the_temperature_is_in_the_weights(few: fashion_mnist.FashionMNIST, name: str) -> None:
    network = networks.build(name, 10)
    pictures = few.validation.images[:8]
    before = infer(network, pictures)
    temperature = calibrate(network, few.validation)
    assert torch.allclose(infer(network, pictures), before / temperature, atol=1e-4)


def test_best_answers_alike_whichever_way_a_picture_points(few: fashion_mnist.FashionMNIST) -> None:
    network = networks.build(RECIPES["best"].network, 10)
    pictures = few.validation.images[:8]
    assert torch.allclose(infer(network, pictures), infer(network, pictures.flip(2)), atol=1e-4)


def test_augmented_pictures_are_moved_and_mirrored_originals() -> None:
    pictures = torch.zeros(20_000, 28, 28, dtype=torch.uint8)
    pictures[:, 10, 5] = 255
    moved = augment(pictures, 2, 0.0, torch.Generator().manual_seed(0))
    assert moved.sum().item() == pictures.sum().item()
    places = {tuple(place) for place in moved.nonzero()[:, 1:].tolist()}
    assert places == {
        (10 + down, column + right)
        for down in range(-2, 3)
        for column in (5, 22)
        for right in range(-2, 3)
    }


def test_augmented_pictures_are_smaller_and_larger_by_no_more_than_asked() -> None:
    pictures = torch.zeros(3_000, 28, 28, dtype=torch.uint8)
    pictures[:, 4:24, 4:24] = 255
    scaled = augment(pictures, 0, 0.1, torch.Generator().manual_seed(0))
    edges = (scaled[:, 14, :] > 127).sum(1)
    assert (edges == 20).float().mean() > 0.5
    assert edges.min() == 18
    assert edges.max() == 22


def test_a_share_of_easy_pictures_is_skipped_and_the_others_weigh_more() -> None:
    losses = torch.cat([torch.full((8_000,), 0.01), torch.full((2_000,), 3.0)])
    selected, sample_weights = select_samples(losses, 0.5, torch.Generator().manual_seed(0))
    assert len(selected.unique()) == len(selected)
    assert (selected >= 8_000).sum() == 2_000
    assert (selected < 8_000).sum().item() == pytest.approx(4_000, abs=200)
    assert (sample_weights[selected] * losses[selected]).sum().item() == pytest.approx(
        losses.sum().item(), rel=0.01
    )

    everything, sample_weights = select_samples(losses, 0.0, torch.Generator().manual_seed(0))
    assert everything.sort().values.tolist() == list(range(10_000))
    assert everything.tolist() != list(range(10_000))
    assert (sample_weights == 1).all()


def test_the_button_trains_by_the_standard_recipe() -> None:
    assert DEFAULT_RECIPE == "standard"
    assert list(RECIPES) == ["standard", "quick", "best", "reference", "finetune", "own"]


def test_a_recipe_from_the_champion_needs_one() -> None:
    with pytest.raises(NoChampion, match="train a first one"):
        resolve("finetune", 4, None)
    assert resolve("finetune", 4, "mlp-small").network == "mlp-small"
