"""The pictures of a run: Fashion-MNIST's, or own ones alone, and the pictures that measure it.

A run on own pictures alone needs no Fashion-MNIST. Its held-out pictures are its validation and
test pictures as well.
"""

from dataclasses import replace

import torch

from training.data import fashion_mnist
from training.data.augment import augment_strongly
from training.data.fashion_mnist import FashionMNIST, Split
from training.feedback.split import CorrectionSplit
from training.model.preprocess import SIDE
from training.recipes import Recipe
from training.store.versions import Model

OWN = "own"
"""The name of the data set of a version that was trained on own pictures alone."""

NAME = "fashion-mnist"

_OF_EACH_CLASS = 200
"""Pictures of each class that describe a version without validation pictures."""


def load(recipe: Recipe, champion: Model | None) -> FashionMNIST:
    """Load Fashion-MNIST; for a run on own pictures alone, a data set without pictures and classes.

    A recipe that starts from a `champion` that was trained on own pictures is such a run. Raises
    fashion_mnist.DataError.
    """
    is_own = champion is not None and champion.metadata.get("dataset") == OWN
    if recipe.from_corrections or (recipe.from_champion and is_own):
        none = no_pictures()
        return FashionMNIST(train=none, validation=none, class_names=(), fingerprint="")
    return fashion_mnist.load()


def with_validation(dataset: FashionMNIST, split: CorrectionSplit) -> FashionMNIST:
    """Return the data set with validation pictures: without originals, the held-out corrections.

    If none is held out, those that are trained on: better than no figures at all.
    """
    if dataset.class_names:
        return dataset
    held_out = split.held_out if len(split.held_out.labels) else split.train
    return replace(dataset, validation=held_out)


def name(dataset: FashionMNIST) -> str:
    """Return the data set's name, for a version's labels and metadata."""
    return NAME if dataset.class_names else OWN


def representative(dataset: FashionMNIST, split: CorrectionSplit, seed: int) -> Split:
    """Return pictures in which each class is as frequent, to describe a version with.

    They are the validation pictures and, of each class that is learned from corrections alone, its
    held-out pictures, augmented: as many as there are of another class.
    """
    classes = len(dataset.class_names)
    own = split.held_out_of_learned() if classes else dataset.validation
    of_each = len(dataset.validation.labels) // classes if classes else _OF_EACH_CLASS
    generator = torch.Generator().manual_seed(seed)
    parts = [dataset.validation] if classes else []
    for label in own.labels.unique():
        images = own.images[own.labels == label]
        rows = torch.arange(of_each) % len(images)
        parts.append(Split(augment_strongly(images[rows], generator), label.repeat(of_each)))
    return concatenate(*parts)


def load_test(dataset: FashionMNIST, split: CorrectionSplit) -> tuple[Split, Split]:
    """Return the test pictures, and held-out pictures of the classes that these do not show."""
    if not dataset.class_names:
        return dataset.validation, no_pictures()
    return fashion_mnist.load_test(), split.held_out_of_learned()


def concatenate(*parts: Split) -> Split:
    """Return the pictures of all parts, in order."""
    return Split(
        torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts])
    )


def no_pictures() -> Split:
    """Return an empty split."""
    return Split(torch.empty(0, SIDE, SIDE, dtype=torch.uint8), torch.empty(0, dtype=torch.int64))
