"""The classifier's own metrics, beside BentoML's, which are named bentoml_service_*.

No label takes its value from a request. The workers share one folder of samples, so a scrape of any
worker returns the sums over all of them. Gauges are in service/inference/worker_gauges.py.
"""

from bisect import bisect_left
from collections import Counter as Frequencies
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from training.model.baseline import CONFIDENCE_BOUNDS

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)

PREDICTIONS = Counter(
    "wardrobe_predictions_total", "Pictures classified, by class and version.", ("label", "model")
)
UNKNOWN = Counter("wardrobe_unknown_total", "Pictures that the version does not know.", ("model",))
LOAD_TEST_PICTURES = Counter(
    "wardrobe_load_test_pictures_total",
    "Pictures of load tests. They are in no metric of predictions and inputs.",
)
CONFIDENCE = Histogram(
    "wardrobe_confidence",
    "Probability of the predicted class, 0..1.",
    buckets=CONFIDENCE_BOUNDS,
)
BRIGHTNESS = Counter(
    "wardrobe_brightness_total",
    "Pictures by their mean pixel after preprocessing, 0..255.",
    ("range",),
)
ACCURACY_SAMPLES = Counter(
    "wardrobe_accuracy_samples_total",
    "Pictures that the accuracy estimate covers.",
    ("model",),
)
EXPECTED_CORRECT = Counter(
    "wardrobe_expected_correct_total",
    "Pictures of these that are expected to be classified correctly.",
    ("model",),
)
BATCH_IMAGES = Histogram(
    "wardrobe_batch_images",
    "Pictures in each forward pass, over all calls.",
    buckets=tuple(2**power for power in range(11)),
)
QUEUE_SECONDS = Histogram(
    "wardrobe_queue_seconds",
    "Time from a decoded picture to the start of its forward pass.",
    buckets=_SECONDS,
)
INFERENCE_SECONDS = Histogram(
    "wardrobe_inference_seconds", "Duration of a forward pass.", buckets=_SECONDS
)
LOAD_FAILURES = Counter(
    "wardrobe_model_load_failures_total", "Failed attempts of a worker to load the champion."
)
SHADOW_PICTURES = Counter(
    "wardrobe_shadow_pictures_total",
    "Pictures offered to the shadow version, by result.",
    ("result", "model"),
)
SHADOWS_ENDED = Counter(
    "wardrobe_shadows_ended_total", "Shadow tests that ended by themselves, by reason.", ("reason",)
)


def observe_many(histogram: Histogram, values: Sequence[float]) -> None:
    """Observe several values with one write per bucket that changes.

    `Histogram.observe` takes one value and makes three locked writes. So this uses private
    attributes of prometheus_client; tests/service/metrics/test_definitions.py pins them.
    """
    buckets = Frequencies(bisect_left(histogram._upper_bounds, value) for value in values)
    for bucket, times in buckets.items():
        histogram._buckets[bucket].inc(times)
    histogram._sum.inc(sum(values))


def increment_many(counters: Sequence[Counter], indices: Sequence[int]) -> None:
    """Add one to `counters[index]` for each of the indices, with one write per counter."""
    for index, times in Frequencies(indices).items():
        counters[index].inc(times)
