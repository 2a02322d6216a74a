"""Records the progress of a run: its state in run.json, a line for each step in events.jsonl."""

import time
from dataclasses import replace
from typing import Any

from training.store import runs

TRAINING_SHARE = 0.95
"""Of a run's progress; the rest is testing and saving."""

_VALIDATIONS_AFTER, _SECONDS_AFTER = 30, 1.5
"""What follows the last epoch takes as long as so many validations and this: calibration, the
estimator on corrupted pictures, the test and the gate."""

_WRITE_SECONDS = 0.3
"""Shortest time between two writes of run.json within an epoch."""


class RunRecorder:
    """Writes the record of one run. `run` is the record, also while a write is due."""

    def __init__(self, run: runs.Run) -> None:
        self.run = run
        self._events = runs.EventLog(run.run_id)
        # Of the last two epochs' ends, or the start: the time, and the progress of training.
        self._marks = [(time.monotonic(), 0.0)]
        self._last_step_at = self._validation_seconds = 0.0
        self._written_at = 0.0

    def phase(self, name: str, **changes: Any) -> None:
        """Enter the next phase of the run, and change these fields of the record."""
        self._update(phase=name, durable=True, **changes)
        self._events.append({"type": "phase", "time": runs.now(), "phase": name})

    def step(self, epoch: int, step: int, loss: float, accuracy: float, progress: float) -> None:
        """Record an optimizer step: its batch's mean loss and accuracy.

        `epoch` and `step` count from 1; `accuracy` and `progress` (of training) are 0..1.
        """
        progress *= TRAINING_SHARE
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
        self._last_step_at = time.monotonic()
        # Written now, or with the next change.
        self.run = replace(
            self.run,
            progress=progress,
            eta_seconds=self._eta(progress),
            loss=loss,
            accuracy=accuracy,
        )
        if time.monotonic() - self._written_at > _WRITE_SECONDS:
            self._update()

    def epoch(self, metrics: dict[str, float]) -> None:
        """Record the end of an epoch: loss and accuracy on training and validation pictures."""
        now = time.monotonic()
        self._validation_seconds = now - self._last_step_at
        self._marks = [*self._marks[-1:], (now, self.run.progress)]
        self._update(epochs=[*self.run.epochs, metrics])
        self._events.append({"type": "epoch", "time": runs.now(), **metrics})

    def start_training(self, epochs: list[dict[str, float]], progress: float) -> None:
        """Start the clock of the ETA: neither loading nor what a resumed run had done counts.

        `epochs` are the metrics of finished epochs, `progress` their share of training, 0..1.
        """
        self._marks = [(time.monotonic(), progress * TRAINING_SHARE)]
        self._update(epochs=epochs)

    def _eta(self, progress: float) -> float:
        """Seconds until the run ends, at the pace since the end of the epoch before the last."""
        since, progress_then = self._marks[0]
        pace = (time.monotonic() - since) / (progress - progress_then)
        after = _VALIDATIONS_AFTER * self._validation_seconds + _SECONDS_AFTER
        return round(pace * (TRAINING_SHARE - progress) + after, 1)

    def _update(self, *, durable: bool = False, **changes: Any) -> None:
        self.run = replace(self.run, **changes)
        runs.write(self.run, durable=durable)
        self._written_at = time.monotonic()
