"""The classifier's own metrics. BentoML's, named bentoml_service_*, stand beside them.

No label takes a value from a request. Workers share one folder of samples; a scrape of any of
them adds all of them up.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from training.model.baseline import CONFIDENCE_BOUNDS

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)

PREDICTIONS = Counter(
    "wardrobe_predictions_total", "Pictures named, by class and version.", ("label", "model")
)
CONFIDENCE = Histogram(
    "wardrobe_confidence",
    "Probability of the class that was named, 0..1.",
    buckets=CONFIDENCE_BOUNDS,
)
BRIGHTNESS = Counter(
    "wardrobe_brightness_total",
    "Pictures by the mean of their pixels, 0..255, as the network sees them.",
    ("range",),
)
ACCURACY_SAMPLES = Counter(
    "wardrobe_accuracy_samples_total",
    "Pictures for which it is estimated how many are right.",
    ("model",),
)
EXPECTED_CORRECT = Counter(
    "wardrobe_expected_correct_total",
    "How many of those it expects to have named right.",
    ("model",),
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
SHADOW_PICTURES = Counter(
    "wardrobe_shadow_pictures_total",
    "Pictures for the champion's shadow, by what came of them.",
    ("result", "model"),
)
SHADOWS_ENDED = Counter(
    "wardrobe_shadows_ended_total", "Shadows that ended by themselves.", ("reason",)
)


def observe_many(histogram: Histogram, values: Sequence[float]) -> None:
    """What `observe` does for each of the values, in one go.

    The client library can only observe one at a time, and each costs three locked writes. So this
    reaches into it; a test holds it to what `observe` does.
    """
    for bucket, times in Tally(bisect_left(histogram._upper_bounds, it) for it in values).items():
        histogram._buckets[bucket].inc(times)
    histogram._sum.inc(sum(values))


def add_each(counters: Sequence[Counter], places: Sequence[int]) -> None:
    """Add one to the counter at each of the places, in one go."""
    for place, times in Tally(places).items():
        counters[place].inc(times)
