"""Metrics of live pictures and of the answers to them.

Prometheus compares them with the baseline of the version (monitoring/rules/drift.yml).
"""

import time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from service.metrics import definitions
from training.model import baseline
from training.model.preprocess import SIDE, Grey
from training.store import versions

if TYPE_CHECKING:
    from training.model.accuracy_estimator import AccuracyEstimator

_ESTIMATE_SECONDS = 0.1
"""The shortest time between two estimates. An estimate takes as long as a small network's forward
pass, so to estimate every picture would double the cost."""

_SAMPLE_PICTURES = 16


class LiveTraffic:
    """Counts the pictures of one version. For use in one thread.

    Every series starts at 0: Prometheus does not see the first increase of a series that appears
    with it.
    """

    def __init__(self, model: versions.Model) -> None:
        self._predictions = [
            definitions.PREDICTIONS.labels(name, model.tag) for name in model.class_names
        ]
        self._brightness = [
            definitions.BRIGHTNESS.labels(name) for name in baseline.BRIGHTNESS_RANGES
        ]
        self._accuracy = (
            _AccuracySampler(model.accuracy_estimator, model) if model.accuracy_estimator else None
        )
        self._unknown = definitions.UNKNOWN.labels(model.tag) if model.familiarity else None

    def count(self, passes: list[tuple[Grey, versions.Predictions]]) -> None:
        """Count forward passes: pictures, uint8 (N, 28, 28), and the predictions for them."""
        images = np.concatenate([images for images, _ in passes])
        scores = np.concatenate([predictions.probabilities for _, predictions in passes])
        definitions.increment_many(self._predictions, scores.argmax(axis=1).tolist())
        definitions.increment_many(self._brightness, baseline.brightness_ranges(images))
        definitions.observe_many(definitions.CONFIDENCE, scores.max(axis=1).tolist())
        if self._accuracy:
            self._accuracy.count(images, scores)
        if self._unknown:
            self._unknown.inc(sum(map(_count_unknown, passes)))


def count_load_test(pictures: list[int]) -> None:
    """Count pictures of load tests: they are no sign of the model's health."""
    definitions.LOAD_TEST_PICTURES.inc(sum(pictures))


def _count_unknown(one_pass: tuple[Grey, versions.Predictions]) -> int:
    known = one_pass[1].known
    return 0 if known is None else int(len(known) - np.count_nonzero(known))


class _AccuracySampler:
    """Adds up the expected number of correct answers.

    It estimates a sample, which stands for all pictures since the sample before.
    """

    def __init__(self, estimator: "AccuracyEstimator", model: versions.Model) -> None:
        classes = len(model.class_names)
        self._estimator = estimator
        self._samples = definitions.ACCURACY_SAMPLES.labels(model.tag)
        self._expected_correct = definitions.EXPECTED_CORRECT.labels(model.tag)
        self._pictures_since = 0
        self._next_estimate = 0.0
        estimator.expected_accuracy(  # warm-up
            np.zeros((1, SIDE, SIDE), np.uint8), np.ones((1, classes), np.float32)
        )

    def count(self, images: Grey, scores: npt.NDArray[np.float32]) -> None:
        self._pictures_since += len(images)
        now = time.monotonic()
        if now < self._next_estimate:
            return
        self._next_estimate = now + _ESTIMATE_SECONDS
        accuracy = self._estimator.expected_accuracy(
            images[:_SAMPLE_PICTURES], scores[:_SAMPLE_PICTURES]
        )
        self._samples.inc(self._pictures_since)
        self._expected_correct.inc(accuracy * self._pictures_since)
        self._pictures_since = 0
