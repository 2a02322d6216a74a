"""The pictures of an epoch: originals and corrections."""

import torch

from training.data import fashion_mnist
from training.feedback import replay
from training.recipes import RECIPES, resolve


def test_an_epoch_holds_originals_and_corrections(dataset: fashion_mnist.FashionMNIST) -> None:
    validation = dataset.validation
    corrections = fashion_mnist.Split(validation.images[:30], validation.labels[:30])
    none = fashion_mnist.Split(corrections.images[:0], corrections.labels[:0])
    recipe = resolve("finetune", 4, "cnn-small")
    generator = torch.Generator().manual_seed(0)
    samples = replay.epoch(dataset.train, corrections, recipe, generator)
    assert len(samples.labels) == replay.size(dataset.train, corrections, recipe)
    count = len(samples.labels) - recipe.replay  # type: ignore[operator]
    assert count == min(100 * 30, round(7_500 * 0.25 / 0.75)) == 2_500
    assert samples.labels[-2_500:-10].tolist() == corrections.labels.tolist() * 83
    assert set(samples.labels[-10:].tolist()) <= set(corrections.labels.tolist())
    first, second = samples.images[7_500], samples.images[7_530]  # the same, augmented anew
    assert not torch.equal(first, second)
    again = replay.epoch(dataset.train, corrections, recipe, torch.Generator().manual_seed(0))
    assert torch.equal(samples.images, again.images)
    quick = replay.epoch(dataset.train, none, RECIPES["quick"], generator)
    assert torch.equal(quick.images, dataset.train.images)


def test_more_corrections_than_an_epoch_holds_are_drawn_equally_often(
    dataset: fashion_mnist.FashionMNIST,
) -> None:
    """The label of each is its number here, to tell them apart."""
    total, epochs = 4_000, 12
    corrections = fashion_mnist.Split(dataset.train.images[:total], torch.arange(total))
    recipe = resolve("finetune", 4, "cnn-small")
    generator = torch.Generator().manual_seed(0)
    draws = torch.zeros(total, dtype=torch.int64)
    for _ in range(epochs):
        samples = replay.epoch(dataset.train, corrections, recipe, generator, classes=total)
        drawn = samples.labels[7_500:]
        assert len(drawn.unique()) == len(drawn) == 2_500  # none twice in an epoch
        draws += drawn.bincount(minlength=total)
    assert draws.min() > 0  # the newest, too
    oldest, newest = draws[:1_000].float().mean(), draws[-1_000:].float().mean()
    assert abs(oldest - newest) < 0.05 * epochs * 2_500 / total


def test_a_class_without_originals_has_twice_the_pictures_of_one_with_them(
    dataset: fashion_mnist.FashionMNIST,
) -> None:
    """However many other corrections there are; but none is repeated without end."""
    labels = torch.tensor([3] * 500 + [10] * 20 + [11] * 2)
    corrections = fashion_mnist.Split(dataset.train.images[: len(labels)], labels)
    recipe = resolve("finetune", 4, "cnn-small")
    samples = replay.epoch(dataset.train, corrections, recipe, torch.Generator().manual_seed(0))
    odd = round(7_500 / 6)  # originals that are varied as widely as the pictures of these classes
    assert samples.labels[: 7_500 + odd].max() < 10
    drawn = samples.labels[7_500 + odd :].bincount(minlength=12).tolist()
    assert (drawn[3], drawn[10], drawn[11]) == (2_500, 1_500, 200)
    assert len(samples.labels) == replay.size(dataset.train, corrections, recipe)


def test_an_epoch_without_originals_holds_each_class_equally_often(
    dataset: fashion_mnist.FashionMNIST,
) -> None:
    none = fashion_mnist.Split(dataset.train.images[:0], dataset.train.labels[:0])
    corrections = fashion_mnist.Split(
        dataset.train.images[:40], torch.tensor([0] * 8 + [1] * 7 + [2] * 25)
    )
    generator = torch.Generator().manual_seed(0)
    samples = replay.epoch(none, corrections, RECIPES["own"], generator, classes=0)
    assert samples.labels.bincount().tolist() == [500] * 3
    assert len(samples.labels) == replay.size(none, corrections, RECIPES["own"], classes=0)
