"""What a trainer tells of a run that learned from corrections, and of the versions beside it."""

import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw

CLASSES = ["Shirt", "Coat", "Bag"]
WORSE = "Shirt is worse by 4.1 points: no class may lose more than 3."
NOT_WORSE = "No class is worse by more than 3 points."


def corrections(**counts: int) -> dict[str, Any]:
    """A page of the store that tells only how many there are in each state."""
    none = {"new": 0, "accepted": 0, "conflict": 0, "quarantined": 0, "review_requested": 0}
    return {"corrections": [], "next": None, "counts": none | counts}


def gate(*, promoted: bool, champion: str | None = "fashion_mnist_model:x1") -> dict[str, Any]:
    """A verdict on a version that learned bags and forgot shirts; a good one if promoted."""
    shirt = 0.85 if promoted else 0.801
    return {
        "promoted": promoted,
        "reasons": [NOT_WORSE if promoted else WORSE],
        "champion": champion,
        "accuracy": {"before": 0.92, "after": 0.919},
        "calibration_error": {"before": 0.012, "after": 0.014},
        "per_class": {
            "Shirt": {"before": 0.842, "after": shirt},
            "Coat": {"before": 0.9, "after": 0.9},
            "Bag": {"before": 0.95, "after": 0.981},
        },
        "corrections": {"count": 5, "before": 0.4, "after": 1.0},
    }


def report(verdict: dict[str, Any]) -> dict[str, Any]:
    """The report beside that verdict: two pictures that got better, one that got worse."""
    return {
        **verdict,
        "better": [
            _example("Bag", "Shirt", "Bag", "correction"),
            _example("Coat", "Shirt", "Coat", "validation"),
        ],
        "worse": [_example("Shirt", "Shirt", "Coat", "validation")],
    }


def version(
    name: str,
    status: str,
    verdict: dict[str, Any] | None = None,
    *,
    promotions: Sequence[dict[str, Any]] = (),
    accuracy: float = 0.92,
    **metadata: Any,
) -> dict[str, Any]:
    """A version as the trainer tells it."""
    return {
        "tag": f"fashion_mnist_model:{name}",
        "version": name,
        "champion": status == "champion",
        "status": status,
        "created_at": "2026-01-03T03:04:05+00:00",
        "metadata": {"accuracy": accuracy, "gate": verdict, **metadata},
        "promotions": list(promotions),
        "size_bytes": 1_000_000,
    }


def promotion(by: str, previous: str | None, reason: str | None = None) -> dict[str, Any]:
    """One time that a version was promoted."""
    tag = None if previous is None else f"fashion_mnist_model:{previous}"
    time = "2026-01-03T03:04:06+00:00"
    return {"time": time, "tag": "", "previous": tag, "by": by, "reason": reason}


def result(name: str = "x2", previous: str | None = "x1") -> dict[str, Any]:
    """What a finished run made."""
    return {
        "model": f"fashion_mnist_model:{name}",
        "accuracy": 0.921,
        "seconds": 14.2,
        "epochs": 4,
        "previous_model": None if previous is None else f"fashion_mnist_model:{previous}",
        "previous_accuracy": None if previous is None else 0.92,
    }


def _example(label: str, before: str, after: str, whence: str) -> dict[str, str]:
    picture = Image.new("L", (28, 28))
    shape = {"Bag": (5, 10, 23, 24), "Coat": (7, 2, 21, 26), "Shirt": (6, 4, 22, 22)}[label]
    ImageDraw.Draw(picture).rectangle(shape, fill=200, outline=120)
    png = io.BytesIO()
    picture.save(png, "PNG")
    encoded = base64.b64encode(png.getvalue()).decode()
    return {"png": encoded, "label": label, "before": before, "after": after, "set": whence}
