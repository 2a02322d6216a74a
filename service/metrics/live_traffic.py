"""Counting what live pictures are like and what is answered to them, beside the baseline.

Prometheus holds the one against the other (monitoring/rules/drift.yml): nothing is compared here.
"""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from service.metrics import definitions
from training.model import baseline
from training.model.preprocess import SIDE, Grey
from training.store import versions

if TYPE_CHECKING:
    from training.model.accuracy_estimator import AccuracyEstimator

_JUDGE_SECONDS = 0.1
"""At least so long between two forward passes that are estimated. An estimator takes as long as a
small network: to ask it about every picture would cost what the network costs."""

_JUDGED_AT_A_TIME = 16


class Traffic:
    """Counts one version's pictures. Every series begins at 0: what is born later is not seen.

    For use in one thread.
    """

    def __init__(self, model: versions.Model) -> None:
        self._model = model
        self._baseline = baseline.read(model.metadata)
        self._predictions = [
            definitions.PREDICTIONS.labels(it, model.tag) for it in model.class_names
        ]
        self._ranges = [definitions.BRIGHTNESS.labels(it) for it in baseline.BRIGHTNESS_RANGES]
        self._sample = (
            _Sample(model.accuracy_estimator, model) if model.accuracy_estimator else None
        )

    def count(self, passes: list[tuple[Grey, npt.NDArray[np.float32]]]) -> None:
        """Add passes: their pictures, uint8 (N, 28, 28), and probabilities, float (N, C)."""
        images = np.concatenate([seen for seen, _ in passes])
        scores = np.concatenate([answered for _, answered in passes])
        definitions.add_each(self._predictions, scores.argmax(axis=1).tolist())
        definitions.add_each(self._ranges, baseline.brightness_ranges(images))
        definitions.observe_many(definitions.CONFIDENCE, scores.max(axis=1).tolist())
        if self._sample:
            self._sample.count(images, scores)

    def baseline_text(self) -> Iterator[str]:
        """The baseline of the version as Prometheus text, line by line; nothing if it has none."""
        if not self._baseline:
            return
        of_version = f'model="{self._model.tag}"'
        yield from _gauge(
            "wardrobe_baseline_predictions",
            "Share of the validation pictures that a version names so.",
            {f'label="{it}",{of_version}': n for it, n in self._baseline.predictions.items()},
        )
        yield from _gauge(
            "wardrobe_baseline_brightness",
            "Share of the validation pictures whose mean pixel is in a range.",
            {f'range="{it}"': n for it, n in self._baseline.brightness.items()},
        )


class _Sample:
    """Adds up how many answers are expected to be right. A sample stands for those before it."""

    def __init__(self, estimator: "AccuracyEstimator", model: versions.Model) -> None:
        classes = len(model.class_names)
        self._estimator = estimator
        self._judged = definitions.ACCURACY_SAMPLES.labels(model.tag)
        self._expected_hits = definitions.EXPECTED_CORRECT.labels(model.tag)
        self._waiting = 0
        self._next = 0.0
        self._expect(np.zeros((1, SIDE, SIDE), np.uint8), np.ones((1, classes), np.float32))  # warm

    def count(self, images: Grey, scores: npt.NDArray[np.float32]) -> None:
        self._waiting += len(images)
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _JUDGE_SECONDS
        share = self._expect(images[:_JUDGED_AT_A_TIME], scores[:_JUDGED_AT_A_TIME])
        self._judged.inc(self._waiting)
        self._expected_hits.inc(share * self._waiting)
        self._waiting = 0

    def _expect(self, images: Grey, scores: npt.NDArray[np.float32]) -> float:
        return self._estimator.expected_accuracy(images, scores)


def _gauge(name: str, what: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} gauge"
    for labels, value in values.items():
        yield f"{name}{{{labels}}} {value}"
