"""Bulk updates of metrics: they count as prometheus_client does."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Histogram

from tests.support.processes import ROOT

VALUES = (0.0, 0.05, 0.1, 0.3, 0.3, 0.95, 1.0, 7.5)

OBSERVE = """
import sys
from prometheus_client import CollectorRegistry, Histogram, generate_latest, multiprocess
from service.metrics.definitions import observe_many
histogram = Histogram("it", "It.", buckets=(0.1, 0.3, 1), registry=CollectorRegistry())
values = [float(word) for word in sys.argv[2:]]
if sys.argv[1] == "one by one":
    for value in values:
        histogram.observe(value)
else:
    observe_many(histogram, values)
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_the_private_attributes_that_observe_many_needs_exist() -> None:
    version = metadata.version("prometheus-client")
    histogram = Histogram("it", "It.", buckets=(0.1, 1), registry=CollectorRegistry())
    needed = "observe_many (service/metrics/definitions.py) needs it"
    for name in ("_upper_bounds", "_buckets", "_sum"):
        assert hasattr(histogram, name), f"prometheus_client {version} has no {name}: {needed}"
    assert list(histogram._upper_bounds) == [0.1, 1, float("inf")], needed
    assert len(histogram._buckets) == 3, needed
    for value in (*histogram._buckets, histogram._sum):
        value.inc(2)
        assert value.get() == 2, needed


def scraped(how: str, folder: Path) -> list[str]:
    """Observe the values in multi-process mode, and return the samples of a scrape."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", OBSERVE, how, *map(str, VALUES)],
        cwd=ROOT,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if line.startswith("it_")]


def test_values_observed_together_count_as_one_by_one(tmp_path: Path) -> None:
    one_by_one = scraped("one by one", tmp_path / "one")
    assert "it_count 8.0" in one_by_one
    assert scraped("together", tmp_path / "many") == one_by_one


@pytest.mark.parametrize("value", [0.1, 0.3, 1])
def test_a_value_on_an_upper_bound_belongs_to_its_bucket(value: float, tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", OBSERVE, "together", str(value)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert f'le="{float(value)}"}} 1.0' in done.stdout
