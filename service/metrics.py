"""The classifier's own metrics. BentoML's, named bentoml_service_*, stand beside them.

No label takes a value from a request. Workers share one folder of samples; a scrape of any of
them adds all of them up.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Sequence
from functools import lru_cache

from prometheus_client import Counter, Histogram

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)

PREDICTIONS = Counter(
    "wardrobe_predictions_total", "Pictures named, by class and version.", ("label", "model")
)
CONFIDENCE = Histogram(
    "wardrobe_confidence",
    "Probability of the class that was named, 0..1.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1),
)
BATCH_IMAGES = Histogram(
    "wardrobe_batch_images",
    "Pictures in each forward pass, whichever call they came by.",
    buckets=tuple(2**power for power in range(11)),
)
QUEUE_SECONDS = Histogram(
    "wardrobe_queue_seconds",
    "From a decoded picture to the start of its forward pass.",
    buckets=_SECONDS,
)
INFERENCE_SECONDS = Histogram(
    "wardrobe_inference_seconds", "Duration of a forward pass.", buckets=_SECONDS
)
LOAD_FAILURES = Counter(
    "wardrobe_model_load_failures_total", "Times that a worker could not load the champion."
)


def observe_many(histogram: Histogram, values: Sequence[float]) -> None:
    """What `observe` does for each of the values, in one go.

    The client library can only observe one at a time, and each costs three locked writes. So this
    reaches into it; a test holds it to what `observe` does.
    """
    for bucket, times in Tally(bisect_left(histogram._upper_bounds, it) for it in values).items():
        histogram._buckets[bucket].inc(times)
    histogram._sum.inc(sum(values))


def count_predictions(labels: Sequence[str], model: str) -> None:
    """Add the classes that a batch's pictures were given, by one version."""
    for label, times in Tally(labels).items():
        _predictions(label, model).inc(times)


@lru_cache(maxsize=256)
def _predictions(label: str, model: str) -> Counter:
    return PREDICTIONS.labels(label, model)
