"""The metrics of training runs, read from their records at each scrape."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from training.store import runs


class RunMetrics(Collector):
    """Counts ended runs by state, and reports the newest run's progress."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._ended: dict[str, str] = {}  # state by run_id: an ended run is read once

    def text(self) -> str:
        """The metrics as Prometheus text. Reads files."""
        return generate_latest(self._registry).decode("utf-8")

    def describe(self) -> list[Metric]:
        """Nothing: so registering reads no files."""
        return []

    def collect(self) -> Iterator[Metric]:
        """prometheus_client's hook: one family after the other."""
        newest = self._read_runs()
        ended = CounterMetricFamily(
            "wardrobe_training_runs_total",
            "Training runs that have ended, by state.",
            labels=["state"],
        )
        counts = Counter(self._ended.values())
        for state in runs.STATES:
            if state not in runs.ACTIVE:
                ended.add_metric([state], counts[state])
        yield ended
        yield GaugeMetricFamily(
            "wardrobe_training_progress",
            "Of the newest run, 0..1.",
            value=newest.progress if newest else 0.0,
        )
        if newest is not None and newest.loss is not None:
            yield GaugeMetricFamily(
                "wardrobe_training_loss",
                "Of the newest run's last batch, cross-entropy.",
                value=newest.loss,
            )
        if newest is not None and newest.accuracy is not None:
            yield GaugeMetricFamily(
                "wardrobe_training_accuracy",
                "Of the newest run's last batch, 0..1.",
                value=newest.accuracy,
            )

    def _read_runs(self) -> runs.Run | None:
        """Count the runs that have ended since the last time. Returns the newest run."""
        newest = None
        for run_id in runs.ids():
            if newest is not None and run_id in self._ended:
                continue
            run = runs.read(run_id)
            if run is None:
                continue
            newest = newest or run
            if not run.is_active:
                self._ended[run_id] = run.state
        return newest
