"""How near the accuracy that is estimated without labels comes to the true one.

    python -m tests.benchmarks.recognition.estimated_accuracy [VERSION]

Takes the champion of WARDROBE_HOME, or a version there, and the test pictures with noise, blur and
shift at five strengths each: 15 sets. Prints for each the true accuracy, what the version's
estimator expects, and what the mean confidence would say; then the mean absolute errors, in points.

The estimator has seen validation pictures with these three kinds of damage, among ten others, at
strengths drawn by lot (training/spoiled.py). The test pictures here are spoiled by other code.
WITHOUT="noise blur" fits another estimator, that has not seen those.
"""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from PIL import Image, ImageFilter

from training.accuracy_estimation import fit_estimator
from training.data import corruptions, fashion_mnist
from training.evaluation import predict
from training.model.accuracy_estimator import AccuracyEstimator
from training.model.preprocess import SIDE
from training.store import tags, versions

NOISE = (10, 20, 40, 60, 80)
"""Standard deviation, grey levels."""
BLUR = (0.5, 0.75, 1, 1.5, 2)
"""Radius of a Gaussian, pixels."""
SHIFT = (1, 2, 3, 4, 5)
"""Pixels, in one of eight directions."""


def noisy(images: np.ndarray, strength: float, chance: np.random.Generator) -> np.ndarray:
    """Gaussian noise."""
    return (images + chance.normal(0, strength, images.shape)).round().clip(0, 255)


def blurred(images: np.ndarray, strength: float, _: np.random.Generator) -> np.ndarray:
    """As Pillow blurs."""
    blur = ImageFilter.GaussianBlur(strength)
    return np.stack([np.asarray(Image.fromarray(image).filter(blur)) for image in images])


def shifted(images: np.ndarray, strength: float, chance: np.random.Generator) -> np.ndarray:
    """Each picture its own way, black behind it."""
    by = int(strength)
    ways = [(y, x) for y in (-by, 0, by) for x in (-by, 0, by) if y or x]
    padded = np.pad(images, ((0, 0), (by, by), (by, by)))
    drawn = chance.integers(len(ways), size=len(images))
    return np.stack(
        [
            image[by + ways[way][0] :, by + ways[way][1] :][:SIDE, :SIDE]
            for image, way in zip(padded, drawn, strict=True)
        ]
    )


Spoil = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
KINDS: dict[str, tuple[Spoil, tuple[float, ...]]] = {
    "noise": (noisy, NOISE),
    "blur": (blurred, BLUR),
    "shift": (shifted, SHIFT),
}


def sets(images: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """The test pictures as they are, then the 15 sets, by name."""
    chance = np.random.default_rng(0)
    yield "as they are", images
    for kind, (spoil, strengths) in KINDS.items():
        for strength in strengths:
            worse = spoil(images.numpy(), strength, chance).astype(np.uint8)
            yield f"{kind} {strength:g}", torch.from_numpy(worse)


def without(model: versions.Model, kinds: list[str]) -> AccuracyEstimator:
    """An estimator of the version that has not seen these kinds of damage."""
    for kind in kinds:
        del corruptions.CORRUPTIONS[kind]
    known = fashion_mnist.load().validation
    return fit_estimator(partial(predict, model.network), known, len(model.class_names), seed=0)


def main() -> None:
    """Print the table."""
    tag = tags.to_tag(sys.argv[1]) if sys.argv[1:] else versions.champion()
    model = versions.load(str(tag))
    unseen = os.environ.get("WITHOUT", "").split()
    estimator = without(model, unseen) if unseen else model.accuracy_estimator
    assert estimator is not None, f"{tag} was stored without an accuracy estimator"
    test = fashion_mnist.load_test()
    print(f"{tag}; not seen by the estimator: {' '.join(unseen) or 'nothing of this'}")
    print(f"{'pictures':<14}{'true':>8}{'estimated':>11}{'error':>8}{'confidence':>12}{'error':>8}")
    errors = []
    for name, images in sets(test.images):
        probabilities = predict(model.network, images)
        true = float((probabilities.argmax(1) == test.labels).float().mean())
        estimated = estimator.expected_accuracy(images, probabilities)
        confidence = float(probabilities.max(1).values.mean())
        errors.append((100 * (estimated - true), 100 * (confidence - true)))
        print(
            f"{name:<14}{true:>8.1%}{estimated:>11.1%}{errors[-1][0]:>+8.1f}"
            f"{confidence:>12.1%}{errors[-1][1]:>+8.1f}",
            flush=True,
        )
    of_estimator, of_confidence = np.abs(errors[1:]).mean(axis=0)
    print(
        f"mean absolute error of the 15: {of_estimator:.2f} points; confidence {of_confidence:.2f}"
    )


if __name__ == "__main__":
    main()
