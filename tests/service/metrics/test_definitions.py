"""What the project adds to the metrics library: it must count as the library does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

VALUES = (0.0, 0.05, 0.1, 0.3, 0.3, 0.95, 1.0, 7.5)

OBSERVE = """
import sys
from prometheus_client import CollectorRegistry, Histogram, generate_latest, multiprocess
from service.metrics import observe_many
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


def scraped(how: str, folder: Path) -> list[str]:
    """What a scrape finds after the values were observed, in the mode of several workers."""
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


def test_observed_together_counts_as_one_by_one(tmp_path: Path) -> None:
    one_by_one = scraped("one by one", tmp_path / "one")
    assert "it_count 8.0" in one_by_one
    assert scraped("together", tmp_path / "many") == one_by_one


@pytest.mark.parametrize("value", [0.1, 0.3, 1])
def test_a_value_on_a_bound_belongs_below_it(value: float, tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", OBSERVE, "together", str(value)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert f'le="{float(value)}"}} 1.0' in done.stdout
