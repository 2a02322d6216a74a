"""How long a run will take, by this machine's own last runs."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from training.model import networks
from training.store import runs, versions
from training.store.runs import durations


@pytest.fixture(autouse=True)
def own_home(empty_home: Path) -> Path:
    return empty_home


def finished(
    seconds: float,
    recipe: str = "quick",
    epochs: int = 6,
    state: str = "succeeded",
    **config: Any,
) -> None:
    """Record a run that took so long."""
    run, lock = runs.create({"recipe": recipe, "epochs": epochs, **config})
    os.close(lock)
    ended_at = datetime.fromisoformat(run.created_at) + timedelta(seconds=seconds)
    runs.write(replace(run, state=state, ended_at=ended_at.isoformat()))


def stored(network: str) -> str:
    """Store an untrained version with this network. Returns its tag."""
    torch.manual_seed(0)
    names = ["Bag", "Coat"]
    metadata = {"network": network, "class_names": names}
    return versions.save(networks.build(network, len(names)), labels={}, metadata=metadata)


def test_nothing_is_promised_before_the_first_run() -> None:
    assert durations.usual_seconds("quick", 6) is None


def test_the_estimate_is_the_median_of_the_last_five_runs() -> None:
    for seconds in (900, 5, 100, 6, 7, 8):
        finished(seconds)

    assert durations.usual_seconds("quick", 6) == 7


def test_other_runs_say_nothing_about_this_one() -> None:
    finished(60, recipe="standard")
    finished(60, epochs=5)
    finished(60, state="cancelled")
    finished(60, resume="20260101-000000-000-0000")

    assert durations.usual_seconds("quick", 6) is None


def test_a_fine_tuned_version_takes_as_long_as_others_of_its_network() -> None:
    small, also_small, large = (stored(it) for it in ("mlp-small", "mlp-small", "cnn-small"))
    finished(4, "finetune", champion=small)
    finished(20, "finetune", champion=large)

    assert durations.usual_seconds("finetune", 6, also_small) == 4
    assert durations.usual_seconds("finetune", 6, large) == 20


def test_a_version_that_is_gone_has_no_estimate() -> None:
    gone = "fashion_mnist_model:gonegonegonegone"
    finished(4, "finetune", champion=gone)

    assert durations.usual_seconds("finetune", 6, gone) is None
