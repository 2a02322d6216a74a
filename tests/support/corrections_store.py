"""Corrections of generated pictures, for tests of the store and of what is trained on it."""

import io
import random
from typing import Any

import numpy as np
from PIL import Image

from tests.support.silhouettes import KINDS, drawn
from training.model.preprocess import Grey, preprocess
from training.store import classes, corrections
from training.store.corrections import LabelSubmission

CLASSES = ("T-shirt/top", "Shirt", "Bag")
REVIEW_REASON = "Version one says Bag, version two says Shirt."


def picture(number: int) -> Grey:
    """The same picture for the same number, and no other."""
    return np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)


def kept(number: int, label: str = "Bag", **more: Any) -> corrections.Correction:
    return corrections.add(picture(number), LabelSubmission(label, **more))[0]


def states() -> dict[int, str]:
    return {it.id: it.state for it in corrections.page()}


def request(number: int, label: str = "Bag") -> int:
    """Request a review of a picture; returns how many requests were stored."""
    submission = LabelSubmission(
        label, predicted=label, model="fashion_mnist_model:one", source="shadow"
    )
    return corrections.request_review([(picture(number), submission, REVIEW_REASON)])


def drawing(kind: str, chance: random.Random) -> Grey:
    """A preprocessed drawing of a class."""
    return preprocess(Image.open(io.BytesIO(drawn(kind, chance))))


def add_drawings(count: int, wrong: int = 0, seed: int = 0) -> set[int]:
    """Add so many drawings of each class; the ids of those with a wrong label."""
    chance = random.Random(seed)
    pictures = [(drawing(kind, chance), kind) for kind in KINDS for _ in range(count)]
    mislabelled = set(chance.sample(range(len(pictures)), wrong))
    ids = set()
    for number, (pixels, kind) in enumerate(pictures):
        label = chance.choice([it for it in KINDS if it != kind]) if number in mislabelled else kind
        correction, _ = corrections.add(pixels, LabelSubmission(label, source="pad"))
        if number in mislabelled:
            ids.add(correction.id)
    return ids


def rows_by_id() -> dict[int, dict[str, Any]]:
    """All corrections, by id."""
    return {it.id: vars(it) for it in corrections.page(limit=10_000)}


def own_class_names() -> list[str]:
    return [one.name for one in classes.own()]


def mixed_up(*labels: str) -> None:
    """Corrections in every state: of each picture, one with each label; and of each label alone."""
    for number, label in enumerate(labels):
        for more in range(3):
            kept(100 * number + more, label)
        corrections.accept(kept(100 * number + 10, label).id, "ann")
        corrections.quarantine({kept(100 * number + 11, label).id: "It looks wrong."})
        kept(7, label)
        request(100 * number + 12, label)
