"""The pictures of an epoch: original training pictures, all or some, and corrections.

A network that trains on corrections only forgets the rest, so it replays original pictures as
well (Robins, Catastrophic Forgetting, Rehearsal and Pseudorehearsal, 1995).
"""

import torch

from training.data import fashion_mnist
from training.data.augment import augment, augment_strongly
from training.recipes import Recipe

_MAX_REPEATS = 100
"""Of a correction in an epoch, each augmented anew: few corrections get less than their share."""


def size(originals: fashion_mnist.Split, corrections: fashion_mnist.Split, recipe: Recipe) -> int:
    """Return the number of pictures in an epoch."""
    return _original_count(originals, recipe) + _correction_count(originals, corrections, recipe)


def epoch(
    originals: fashion_mnist.Split,
    corrections: fashion_mnist.Split,
    recipe: Recipe,
    generator: torch.Generator,
) -> fashion_mnist.Split:
    """Return an epoch's pictures, augmented as the recipe says, not shuffled; originals first.

    Each correction appears equally often, give or take one; which of them appear once more is
    drawn at random. `generator` is on the CPU. Without corrections and without replay the result
    is all originals.
    """
    images, labels = originals.images, originals.labels
    if recipe.replay is not None:
        rows = torch.randperm(len(labels), generator=generator)[: recipe.replay].to(images.device)
        images, labels = images[rows], labels[rows]
    if recipe.is_augmented:
        images = augment(images, recipe.shift, recipe.scale, generator)
    if not len(corrections.labels):
        return fashion_mnist.Split(images, labels)
    count = _correction_count(originals, corrections, recipe)
    drawn = _draw(count, len(corrections.labels), generator)
    augmented = augment_strongly(corrections.images[drawn], generator)
    return fashion_mnist.Split(
        torch.cat([images, augmented.to(images.device)]),
        torch.cat([labels, corrections.labels[drawn].to(labels.device)]),
    )


def _draw(count: int, total: int, generator: torch.Generator) -> torch.Tensor:
    """Indices below `total`, int64 (count,): full rounds in order, and a random part of one.

    In full rounds an index keeps its place from epoch to epoch: InfoBatch keeps losses by place.
    """
    rounds = torch.arange(total).repeat(count // total)
    return torch.cat([rounds, torch.randperm(total, generator=generator)[: count % total]])


def _original_count(originals: fashion_mnist.Split, recipe: Recipe) -> int:
    count = len(originals.labels)
    return count if recipe.replay is None else min(recipe.replay, count)


def _correction_count(
    originals: fashion_mnist.Split, corrections: fashion_mnist.Split, recipe: Recipe
) -> int:
    share = recipe.correction_share
    wanted = round(_original_count(originals, recipe) * share / (1 - share))
    return min(wanted, _MAX_REPEATS * len(corrections.labels))
