"""The estimated time that is left of a run, while its pace changes."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from training import run_recorder
from training.run_recorder import RunRecorder
from training.store import runs
from training.store.runs import durations

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
    assert recorder.run.progress == run_recorder.TRAINED

    clock.now += 3
    recorder.phase("testing")
    assert recorder.run.eta_seconds == pytest.approx(1, abs=0.2)

    clock.now += 3  # it takes longer than was estimated: nothing is promised
    recorder.phase("comparing")
    assert recorder.run.eta_seconds is None


def begun(seconds: float, estimated_seconds: float | None) -> runs.Run:
    """A run that was asked for so long ago, and does not train yet."""
    run, lock = runs.create({}, estimated_seconds=estimated_seconds)
    os.close(lock)
    created_at = datetime.now(UTC) - timedelta(seconds=seconds)
    return replace(run, created_at=created_at.isoformat())


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))


@pytest.mark.usefixtures("empty_home")
def test_a_run_that_starts_shows_progress_by_the_time_that_such_runs_take() -> None:
    run = durations.as_of_now(begun(3, estimated_seconds=12))

    assert run.progress == pytest.approx(0.25, abs=0.02)
    assert run.eta_seconds == pytest.approx(9, abs=0.5)


@pytest.mark.usefixtures("empty_home")
def test_a_run_that_starts_slowly_promises_nothing_and_goes_no_further() -> None:
    run = durations.as_of_now(begun(30, estimated_seconds=12))

    assert run.progress < 0.5
    assert run.eta_seconds is None


@pytest.mark.usefixtures("empty_home")
def test_the_first_run_of_all_moves_too() -> None:
    early, later = (durations.as_of_now(begun(seconds, None)) for seconds in (1, 4))

    assert 0 < early.progress < later.progress < 0.1
    assert early.eta_seconds is None


@pytest.mark.usefixtures("empty_home")
def test_progress_never_goes_back_when_the_training_begins(clock: Clock) -> None:
    recorder = RunRecorder(begun(3, estimated_seconds=12))
    recorder.phase("checking corrections", state="running")
    starting = durations.as_of_now(recorder.run).progress
    recorder.phase("training")
    training = recorder.run.progress
    recorder.start_training([], EPOCHS)
    train(recorder, clock, range(1), 0.5)

    assert 0 < starting <= training <= recorder.run.progress < 0.5


@pytest.mark.usefixtures("empty_home")
def test_the_first_steps_say_less_about_the_end_than_earlier_runs(clock: Clock) -> None:
    recorder = RunRecorder(begun(10, estimated_seconds=110))
    recorder.start_training([], EPOCHS)

    assert train(recorder, clock, range(1), 0.5) == pytest.approx(100, rel=0.05)
    assert train(recorder, clock, range(1, 60), 0.5) == pytest.approx(74, rel=0.05)
