"""The pictures of an epoch: original training pictures, all or some, and corrections.

A network that trains on corrections only forgets the rest, so it replays original pictures as
well (Robins, Catastrophic Forgetting, Rehearsal and Pseudorehearsal, 1995).
"""

import torch

from training.data import fashion_mnist
from training.data.augment import augment, augment_strongly, augment_widely
from training.recipes import Recipe

_MAX_REPEATS = 100
"""Of a correction in an epoch, each augmented anew: few corrections get less than their share."""

_OWN_SHARE = 2
"""A class that is learned from corrections alone has so many times the pictures of another one."""

_ODD = 1 / 6
"""Share of the originals that appear once more in a run that learns a class from corrections alone,
varied as widely as the pictures of that class. Without them whatever looks turned or stretched is
taken for it: of photos of clothes, a third more."""

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
    odd = _odd_count(originals, corrections, recipe, classes)
    return _original_count(originals, recipe) + odd + sum(count for count, _ in counts)


def epoch(
    originals: fashion_mnist.Split,
    corrections: fashion_mnist.Split,
    recipe: Recipe,
    generator: torch.Generator,
    classes: int = 10,
) -> fashion_mnist.Split:
    """Return an epoch's pictures, augmented as the recipe says, not shuffled; originals first.

    The first `classes` classes have originals. Corrections of these have the recipe's share of the
    epoch. A class that is learned from corrections alone has twice as many pictures as one of
    these, so that a few pictures of it are not lost among many other corrections.

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
    parts = [fashion_mnist.Split(images, labels)]
    if odd := _odd_count(originals, corrections, recipe, classes):
        rows = torch.randperm(len(originals.labels), generator=generator)[:odd].to(images.device)
        varied = augment_widely(originals.images[rows], generator, mixed=False)
        parts.append(fashion_mnist.Split(varied, originals.labels[rows]))
    for count, rows in _correction_counts(originals, corrections, recipe, classes):
        drawn = rows[_draw(count, len(rows), generator)]
        is_own = int(corrections.labels[rows[0]]) >= classes
        augmented = (augment_widely if is_own else augment_strongly)(
            corrections.images[drawn], generator
        )
        parts.append(fashion_mnist.Split(augmented, corrections.labels[drawn]))
    return fashion_mnist.Split(
        torch.cat([part.images.to(images.device) for part in parts]),
        torch.cat([part.labels.to(labels.device) for part in parts]),
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


def _odd_count(
    originals: fashion_mnist.Split, corrections: fashion_mnist.Split, recipe: Recipe, classes: int
) -> int:
    """How many originals appear once more, widely varied."""
    is_needed = recipe.is_augmented and bool((corrections.labels >= classes).any())
    return round(_ODD * _original_count(originals, recipe)) if is_needed else 0


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
    of_each = _WITHOUT_ORIGINALS
    if replayed:
        # All together are at most as many as the originals, so that no run takes twice as long.
        of_each = min(_OWN_SHARE * replayed // classes, replayed // max(1, len(own)))
    drawn = [(wanted, others), *((of_each, (labels == it).nonzero().flatten()) for it in own)]
    return [(min(count, _MAX_REPEATS * len(rows)), rows) for count, rows in drawn if len(rows)]
