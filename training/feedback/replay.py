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

_WITHOUT_ORIGINALS = 500
"""Pictures of each class in an epoch of a run without originals."""


def size(
    originals: fashion_mnist.Split,
    corrections: fashion_mnist.Split,
    recipe: Recipe,
    classes: int = 10,
) -> int:
    """Return the number of pictures in an epoch."""
    counts = _correction_counts(originals, corrections, recipe, classes)
    return _original_count(originals, recipe) + sum(count for count, _ in counts)


def epoch(
    originals: fashion_mnist.Split,
    corrections: fashion_mnist.Split,
    recipe: Recipe,
    generator: torch.Generator,
    classes: int = 10,
) -> fashion_mnist.Split:
    """Return an epoch's pictures, augmented as the recipe says, not shuffled; originals first.

    The first `classes` classes have originals. Corrections of these have the recipe's share of the
    epoch. A class that is learned from corrections alone has as many pictures as one of these, so
    that a few pictures of it are not lost among many other corrections.

    Each correction of a class appears equally often, give or take one; which of them appear once
    more is drawn at random. `generator` is on the CPU. Without corrections and without replay the
    result is all originals.
    """
    images, labels = originals.images, originals.labels
    if recipe.replay is not None:
        rows = torch.randperm(len(labels), generator=generator)[: recipe.replay].to(images.device)
        images, labels = images[rows], labels[rows]
    if recipe.is_augmented and len(labels):
        images = augment(images, recipe.shift, recipe.scale, generator)
    if not len(corrections.labels):
        return fashion_mnist.Split(images, labels)
    drawn = torch.cat(
        [
            rows[_draw(count, len(rows), generator)]
            for count, rows in _correction_counts(originals, corrections, recipe, classes)
        ]
    )
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


def _correction_counts(
    originals: fashion_mnist.Split,
    corrections: fashion_mnist.Split,
    recipe: Recipe,
    classes: int,
) -> list[tuple[int, torch.Tensor]]:
    """How many pictures of an epoch are drawn from which rows of the corrections, int64 (N,).

    First from those of classes with originals, then from those of each other class.
    """
    labels, replayed = corrections.labels, _original_count(originals, recipe)
    others = (labels < classes).nonzero().flatten()
    wanted = round(replayed * recipe.correction_share / (1 - recipe.correction_share))
    own = labels[labels >= classes].unique().tolist()
    # All together are at most as many as the originals, so that a run never takes twice as long.
    of_each = replayed // max(classes, len(own)) if replayed else _WITHOUT_ORIGINALS
    drawn = [(wanted, others), *((of_each, (labels == it).nonzero().flatten()) for it in own)]
    return [(min(count, _MAX_REPEATS * len(rows)), rows) for count, rows in drawn if len(rows)]
