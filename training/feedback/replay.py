"""What an epoch is made of: the original pictures, or some of them, and what people corrected.

A network that learns only the corrections forgets the rest: it rehearses (Robins, Catastrophic
Forgetting, Rehearsal and Pseudorehearsal, 1995).
"""

import torch

from training.data import fashion_mnist
from training.data.augment import augment, vary
from training.recipes import Recipe

_MOST_TIMES = 100
"""How often a correction is shown in an epoch, each time varied anew: few ones are not all."""


def size(originals: fashion_mnist.Split, taught: fashion_mnist.Split, recipe: Recipe) -> int:
    """Pictures in an epoch."""
    return _rehearsed(originals, recipe) + _lessons(originals, taught, recipe)


def epoch(
    originals: fashion_mnist.Split,
    taught: fashion_mnist.Split,
    recipe: Recipe,
    order: torch.Generator,
) -> fashion_mnist.Split:
    """One epoch's pictures, varied as the recipe says, not shuffled. `order` is on the CPU.

    Without corrections and without a choice among the originals, these are all there is.
    """
    images, labels = originals.images, originals.labels
    if recipe.replay is not None:
        some = torch.randperm(len(labels), generator=order)[: recipe.replay].to(images.device)
        images, labels = images[some], labels[some]
    if recipe.is_augmented:
        images = augment(images, recipe.shift, recipe.scale, order)
    if not len(taught.labels):
        return fashion_mnist.Split(images, labels)
    which = torch.arange(_lessons(originals, taught, recipe)) % len(taught.labels)
    lessons = vary(taught.images[which], order)
    return fashion_mnist.Split(
        torch.cat([images, lessons]), torch.cat([labels, taught.labels[which.to(labels.device)]])
    )


def _rehearsed(originals: fashion_mnist.Split, recipe: Recipe) -> int:
    count = len(originals.labels)
    return count if recipe.replay is None else min(recipe.replay, count)


def _lessons(originals: fashion_mnist.Split, taught: fashion_mnist.Split, recipe: Recipe) -> int:
    """How many of an epoch's pictures are corrections."""
    share = recipe.taught_share
    wanted = round(_rehearsed(originals, recipe) * share / (1 - share))
    return min(wanted, _MOST_TIMES * len(taught.labels))
