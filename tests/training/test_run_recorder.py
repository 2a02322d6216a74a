"""The estimated time that is left of a run, while its pace changes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from training import run_recorder
from training.run_recorder import RunRecorder
from training.store import runs

EPOCHS = 10
STEPS = 20
"""In an epoch."""


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(run_recorder, "time", clock)
    return clock


@pytest.fixture
def recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> Iterator[RunRecorder]:
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    run, lock = runs.create({})
    recorder = RunRecorder(run)
    recorder.start_training([], EPOCHS)
    yield recorder
    os.close(lock)


def train(recorder: RunRecorder, clock: Clock, steps: range, seconds: float) -> float:
    """These steps of the training, `seconds` each. Returns the estimate after the last."""
    for step in steps:
        clock.now += seconds
        recorder.step(1, step, 1.0, 0.5, (step + 1) / (EPOCHS * STEPS))
    eta = recorder.run.eta_seconds
    assert eta is not None
    return eta


def test_the_estimate_follows_the_pace_of_the_last_seconds(
    recorder: RunRecorder, clock: Clock
) -> None:
    assert train(recorder, clock, range(100), 0.5) == pytest.approx(50 + 4, rel=0.05)

    # Now other programs take three quarters of the cores.
    slow = train(recorder, clock, range(100, 115), 2)

    assert slow == pytest.approx(85 * 2 + 16, rel=0.05)


def test_what_follows_the_training_is_part_of_the_estimate(
    recorder: RunRecorder, clock: Clock
) -> None:
    last = train(recorder, clock, range(EPOCHS * STEPS), 0.5)
    recorder.finish_training("calibrating")

    assert last == recorder.run.eta_seconds == pytest.approx(4, abs=0.2)
    assert recorder.run.progress == run_recorder.TRAINING_SHARE

    clock.now += 3
    recorder.phase("testing")
    assert recorder.run.eta_seconds == pytest.approx(1, abs=0.2)

    clock.now += 3  # it takes longer than was estimated: nothing is promised
    recorder.phase("comparing")
    assert recorder.run.eta_seconds is None
