"""The baseline: predictions on the validation split, with which live traffic is compared.

Measured on the validation split with calibrated probabilities, and stored in the version's
metadata as `baseline`. Live pictures are counted in the same ranges.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.model.preprocess import Grey

if TYPE_CHECKING:
    import torch

CONFIDENCE_BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
"""Upper bounds of the ranges that confidences are counted in."""

BRIGHTNESS_BOUNDS = (33, 43, 52, 60, 70, 80, 91, 104, 118, 255)
"""The same for brightness. A tenth of the training pictures lies in each range, so that no range
is nearly empty, and chance plays the least part in the comparison."""

BRIGHTNESS_RANGES = tuple(
    f"{low}-{high}" for low, high in zip((0, *BRIGHTNESS_BOUNDS), BRIGHTNESS_BOUNDS, strict=False)
)
"""Their names: above the one number, up to the other."""


@dataclass(frozen=True)
class Baseline:
    """Shares of the validation pictures, 0..1, by predicted class and by range of brightness."""

    predictions: Mapping[str, float]
    brightness: Mapping[str, float]


def read(metadata: Mapping[str, Any]) -> Baseline | None:
    """Read the baseline in a version's metadata; None if there is none.

    A baseline with other ranges than BRIGHTNESS_RANGES counts as none.
    """
    kept = metadata.get("baseline")
    if not isinstance(kept, dict):
        return None
    predictions, brightness = kept.get("predictions"), kept.get("brightness")
    if not isinstance(predictions, dict) or not isinstance(brightness, dict):
        return None
    if tuple(brightness) != BRIGHTNESS_RANGES:
        return None
    return Baseline(predictions, brightness)


def brightness_ranges(images: Grey) -> list[int]:
    """Return the index in BRIGHTNESS_RANGES of each picture, uint8 (N, 28, 28)."""
    count = len(images)
    sums = images.reshape(count, -1).sum(axis=1, dtype="uint32")
    pixels = images.size // count if count else 1
    return [bisect_left(BRIGHTNESS_BOUNDS, it / pixels) for it in sums.tolist()]


def measure(
    probabilities: "torch.Tensor", images: "torch.Tensor", class_names: Sequence[str]
) -> dict[str, Any]:
    """Measure the baseline of probabilities, float (N, C), for pictures, uint8 (N, 28, 28).

    `predictions` and `brightness` are shares, 0..1, by class name and by range; `confidence` are
    shares, each up to one of `confidence_bounds`.
    """
    confidences, answers = probabilities.max(dim=1)
    predicted = answers.bincount(minlength=len(class_names)).tolist()
    bright = brightness_ranges(images.numpy())
    confident = [bisect_left(CONFIDENCE_BOUNDS, it) for it in confidences.clamp_max(1).tolist()]
    count = len(images)
    return {
        "pictures": count,
        "predictions": dict(zip(class_names, _shares(predicted, count), strict=True)),
        "brightness": dict(
            zip(
                BRIGHTNESS_RANGES,
                _shares(map(bright.count, range(len(BRIGHTNESS_RANGES))), count),
                strict=True,
            )
        ),
        "confidence_bounds": list(CONFIDENCE_BOUNDS),
        "confidence": _shares(map(confident.count, range(len(CONFIDENCE_BOUNDS))), count),
    }


def _shares(counts: Iterable[int], total: int) -> list[float]:
    return [round(count / total, 6) for count in counts]
