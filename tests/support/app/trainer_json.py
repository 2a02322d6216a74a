"""JSON of a trainer after a run that learned from corrections."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw

CLASSES = ["Shirt", "Coat", "Bag"]
WORSE = "Shirt is worse by 4.1 points: no class may lose more than 3."
NOT_WORSE = "No class is worse by more than 3 points."


def corrections(**counts: int) -> dict[str, Any]:
    """Return a page of the store with only the number of corrections in each state."""
    none = {"new": 0, "accepted": 0, "conflict": 0, "quarantined": 0, "review_requested": 0}
    return {"corrections": [], "next": None, "counts": none | counts}


BUILT_IN = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]


def classes(
    own: Mapping[str, int] | None = None,
    *,
    versions: Sequence[str] = (),
    changes: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> dict[str, Any]:
    """Return the list of classes: the built-in ones, and own ones with that many pictures.

    `versions` know all of them. `more` are other fields of the own ones.
    """
    tags = [f"fashion_mnist_model:{name}" for name in versions]
    listed = [class_json(name, 0, "fashion-mnist", versions=tags) for name in BUILT_IN]
    for name, count in (own or {}).items():
        listed.append(class_json(name, count, "own", **{"versions": tags, **more}))
    return {"classes": listed, "limit": 50, "changes": list(changes)}


def class_json(name: str, count: int, origin: str, **more: Any) -> dict[str, Any]:
    """Return a class with that many pictures, of which one in five is for testing."""
    pictures = {"usable": count, "held_out": count // 5, "needed": max(10 - count, 0)}
    return {
        "name": name,
        "origin": origin,
        "pictures": pictures,
        "versions": [],
        "aliases": [],
        "created_at": "2026-01-02T03:04:05+00:00" if origin == "own" else None,
        "actor": None,
        **more,
    }


def gate(*, promoted: bool, champion: str | None = "fashion_mnist_model:x1") -> dict[str, Any]:
    """Return a decision: the version is better at bags and, unless promoted, worse at shirts."""
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


def report(gate_result: dict[str, Any]) -> dict[str, Any]:
    """Return the report with that decision: two pictures got better, one got worse."""
    return {
        **gate_result,
        "better": [
            _example("Bag", "Shirt", "Bag", "correction"),
            _example("Coat", "Shirt", "Coat", "validation"),
        ],
        "worse": [_example("Shirt", "Shirt", "Coat", "validation")],
    }


def version(
    name: str,
    status: str,
    gate_result: dict[str, Any] | None = None,
    *,
    promotions: Sequence[dict[str, Any]] = (),
    accuracy: float = 0.92,
    **metadata: Any,
) -> dict[str, Any]:
    """Return a version."""
    return {
        "tag": f"fashion_mnist_model:{name}",
        "version": name,
        "champion": status == "champion",
        "status": status,
        "created_at": "2026-01-03T03:04:05+00:00",
        "metadata": {"accuracy": accuracy, "gate": gate_result, **metadata},
        "promotions": list(promotions),
        "size_bytes": 1_000_000,
    }


def promotion(by: str, previous: str | None, reason: str | None = None) -> dict[str, Any]:
    """Return the record of a promotion."""
    tag = None if previous is None else f"fashion_mnist_model:{previous}"
    time = "2026-01-03T03:04:06+00:00"
    return {"time": time, "tag": "", "previous": tag, "by": by, "reason": reason}


def result(name: str = "x2", previous: str | None = "x1") -> dict[str, Any]:
    """Return the result of a finished run."""
    return {
        "model": f"fashion_mnist_model:{name}",
        "accuracy": 0.921,
        "seconds": 14.2,
        "epochs": 4,
        "previous_model": None if previous is None else f"fashion_mnist_model:{previous}",
        "previous_accuracy": None if previous is None else 0.92,
    }


def picture(label: str) -> str:
    """Return a PNG of 28x28 pixels as base64: a rectangle as large as that piece of clothing."""
    drawn = Image.new("L", (28, 28))
    shape = {"Bag": (5, 10, 23, 24), "Coat": (7, 2, 21, 26), "Shirt": (6, 4, 22, 22)}[label]
    ImageDraw.Draw(drawn).rectangle(shape, fill=200, outline=120)
    png = io.BytesIO()
    drawn.save(png, "PNG")
    return base64.b64encode(png.getvalue()).decode()


def _example(label: str, before: str, after: str, source: str) -> dict[str, str]:
    png = picture(label)
    return {"png": png, "label": label, "before": before, "after": after, "set": source}
