"""Gauges that are read at the time of a scrape: the living workers and the baseline."""

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.inference import workers
from training.model import baseline
from training.store import versions


def collect(served: versions.Model | None) -> str:
    """Return the gauges as Prometheus text, to be appended to a scrape.

    `served` is the version that this worker serves; its baseline is included. Reads files and takes
    locks: call it in a thread, not in the event loop.
    """
    registry = CollectorRegistry()
    registry.register(_WorkerGauges(served))
    return generate_latest(registry).decode()


class _WorkerGauges(Collector):
    def __init__(self, served: versions.Model | None) -> None:
        self._served = served

    def collect(self) -> Iterator[GaugeMetricFamily]:
        here = [worker for worker in workers.list_alive() if worker.is_here]
        yield _by_model(
            "wardrobe_model_loaded",
            "Workers that serve a version.",
            (worker.tag for worker in here),
        )
        yield _by_model(
            "wardrobe_shadow_workers",
            "Workers with a version in the champion's shadow.",
            map(workers.shadow_of, here),
        )
        if self._served and (measured := baseline.read(self._served.metadata)):
            yield from _baseline_gauges(self._served.tag, measured)


def _by_model(name: str, help_: str, tags: Iterable[str | None]) -> GaugeMetricFamily:
    """Build a gauge of the number of workers by version. Workers without one are left out."""
    family = GaugeMetricFamily(name, help_, labels=("model",))
    for tag, count in Counter(filter(None, tags)).items():
        family.add_metric((tag,), count)
    return family


def _baseline_gauges(tag: str, measured: baseline.Baseline) -> Iterator[GaugeMetricFamily]:
    predictions = GaugeMetricFamily(
        "wardrobe_baseline_predictions",
        "Share of the validation pictures that a version classifies as a label.",
        labels=("label", "model"),
    )
    for label, share in measured.predictions.items():
        predictions.add_metric((label, tag), share)
    yield predictions
    brightness = GaugeMetricFamily(
        "wardrobe_baseline_brightness",
        "Share of the validation pictures whose mean pixel is in a range.",
        labels=("range",),
    )
    for range_, share in measured.brightness.items():
        brightness.add_metric((range_,), share)
    yield brightness
