"""Records the progress of a run: its state in run.json, a line for each step in events.jsonl."""

import time
from collections import deque
from dataclasses import replace
from typing import Any

from training.store import runs
from training.store.runs import durations

TRAINED = 0.95
"""A run's progress at the end of its training; the rest is testing and saving."""

_FINISHING_EPOCHS = 0.4
"""What follows the training takes about as long as this share of an epoch, whatever the network:
calibration, the accuracy estimator, tests, the comparison with the live version."""

_RATE_SECONDS = 20
"""The ETA goes by the pace of the last seconds: a run beside busy clients is several times slower
than alone, and that begins and ends while it runs."""

_TRUSTED_SECONDS = 10
"""The pace of fewer seconds says less about the end than how long such runs have taken."""

_WRITE_SECONDS = 0.3
"""Shortest time between two writes of run.json within an epoch."""


class RunRecorder:
    """Writes the record of one run. `run` is the record, also while a write is due."""

    def __init__(self, run: runs.Run) -> None:
        self.run = run
        self._events = runs.EventLog(run.run_id)
        self._epochs = 1
        self._started = 0.0  # progress of the run when its training began
        self._pace_since = 0.0
        self._pace: deque[tuple[float, float]] = deque()  # times and progress of training, 0..1
        self._ends_at: float | None = None  # when what follows the training should be done
        self._written_at = 0.0

    def phase(self, name: str, **changes: Any) -> None:
        """Enter the next phase of the run, and change these fields of the record."""
        if self._ends_at is not None:
            left = 0.0 if "ended_at" in changes else self._ends_at - time.monotonic()
            changes["eta_seconds"] = round(left, 1) if left > 0 else None
        elif self.run.is_active and name not in runs.STARTING:
            starting = durations.as_of_now(self.run)
            changes = {
                "progress": starting.progress,
                "eta_seconds": starting.eta_seconds,
                **changes,
            }
        self._update(phase=name, durable=True, **changes)
        self._events.append({"type": "phase", "time": runs.now(), "phase": name})

    def step(self, epoch: int, step: int, loss: float, accuracy: float, progress: float) -> None:
        """Record an optimizer step: its batch's mean loss and accuracy.

        `epoch` and `step` count from 1; `accuracy` and `progress` (of training) are 0..1.
        """
        eta_seconds = self._eta(progress)
        progress = self._started + (TRAINED - self._started) * progress
        event = {
            "type": "step",
            "time": runs.now(),
            "epoch": epoch,
            "step": step,
            "loss": loss,
            "accuracy": accuracy,
            "progress": progress,
        }
        self._events.append(event)
        # Written now, or with the next change.
        self.run = replace(
            self.run,
            progress=progress,
            eta_seconds=eta_seconds,
            loss=loss,
            accuracy=accuracy,
        )
        if time.monotonic() - self._written_at > _WRITE_SECONDS:
            self._update()

    def epoch(self, metrics: dict[str, float]) -> None:
        """Record the end of an epoch: loss and accuracy on training and validation pictures."""
        self._update(epochs=[*self.run.epochs, metrics])
        self._events.append({"type": "epoch", "time": runs.now(), **metrics})

    def start_training(self, metrics: list[dict[str, float]], epochs: int) -> None:
        """Start the clock of the ETA: neither loading nor what a resumed run had done counts.

        `metrics` are those of finished epochs, `epochs` is the number of all.
        """
        self._epochs = epochs
        self._started = durations.starting_progress(self.run)
        self._pace_since = time.monotonic()
        self._pace.append((self._pace_since, len(metrics) / epochs))
        self._update(epochs=metrics)

    def finish_training(self, name: str) -> None:
        """Enter the first phase after the training."""
        if self._pace and self.run.eta_seconds is not None:
            self._ends_at = time.monotonic() + self._eta(1.0)
        self.phase(name, progress=TRAINED)

    def _eta(self, progress: float) -> float:
        """Seconds until the end of the run: by the pace of the last seconds and, while these are
        few, by the time that such runs take.
        """
        now = time.monotonic()
        self._pace.append((now, progress))
        while len(self._pace) > 2 and now - self._pace[1][0] > _RATE_SECONDS:
            self._pace.popleft()
        then, progress_then = self._pace[0]
        left = 1 - progress + _FINISHING_EPOCHS / self._epochs
        by_pace = (now - then) * left / max(progress - progress_then, 1e-9)
        usual = durations.seconds_left(self.run)
        if usual is None:
            return round(by_pace, 1)
        trust = min((now - self._pace_since) / _TRUSTED_SECONDS, 1.0)
        return round(trust * by_pace + (1 - trust) * usual, 1)

    def _update(self, *, durable: bool = False, **changes: Any) -> None:
        self.run = replace(self.run, **changes)
        runs.write(self.run, durable=durable)
        self._written_at = time.monotonic()
