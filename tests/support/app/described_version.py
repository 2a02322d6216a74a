"""A version whose run stored all that the page About this model shows."""

from typing import Any

from tests.support.app import trainer_json

CLASSES = ["Shirt", "Coat", "Bag", "Hat"]
MATRIX = [[720, 180, 70, 0], [10, 950, 40, 0], [0, 5, 995, 0], [0, 0, 1, 3]]
BINS = [
    {"pictures": 1, "confidence": 0.2, "accuracy": 1.0},
    {"pictures": 1_000, "confidence": 0.6, "accuracy": 0.5},
    {"pictures": 2_000, "confidence": 0.95, "accuracy": 0.92},
]
METADATA: dict[str, Any] = {
    "class_names": CLASSES,
    "per_class_accuracy": {"Shirt": 0.72, "Coat": 0.95, "Bag": 0.995, "Hat": 0.75},
    "confusion_matrix": MATRIX,
    "test_pictures": 3_000,
    "calibration_error": 0.021,
    "calibration_bins": BINS,
    "serving_seconds": {"pictures_1": 0.0004, "pictures_32": 0.0032},
    "parameters": 168_298,
    "recipe": "finetune",
    "epochs": 4,
    "dataset": "fashion-mnist",
    "corrections_used": ["a:Hat", "b:Hat", "c:Shirt"],
    "sha256": {"familiarity.pt": "…"},
}


def described_version(name: str) -> dict[str, Any]:
    """Return such a version in the trainer's JSON; it is live."""
    return trainer_json.version(name, "champion", trainer_json.gate(promoted=True), **METADATA)
