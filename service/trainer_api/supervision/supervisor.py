"""The training run as a process of its own: started, watched, cancelled, and its end recorded.

A run never shares a process with serving or with the trainer, so a crash, an out-of-memory kill
or a cancel touches neither. A run outlives a trainer that is killed: the next one takes it over.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from typing import Any

from service.trainer_api.supervision import first_start, process
from training.store import files, runs
from training.store.runs import durations

_log = logging.getLogger(__name__)

_WATCH_SECONDS = 0.2
_TERM_SECONDS = 2
"""How long a run has to end by itself when asked to."""

_PAUSE_SECONDS = 3.0
"""Between the end of a run and the background run: whoever has just trained may train again."""


class Supervisor:
    """Starts runs, one at a time, and closes the record of each that ends without doing so.

    A run in the background makes way for any other, and goes on after it.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._watched: str | None = None  # the run_id of the active run
        self._dead: list[str] = []  # runs that ended without a trainer, not recorded yet
        self._background_at: float | None = None  # when to look whether one is due
        self._lock = threading.RLock()  # calls, and the thread that watches
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="runs", daemon=True)

    def start(self) -> None:
        """Take over what an earlier trainer left, and watch from then on."""
        for run in runs.unsettled():
            if not run.is_active:
                continue
            if runs.is_alive(run.run_id):
                self._watched = run.run_id
                _log.info("run %s goes on", run.run_id)
            else:
                self._dead.append(run.run_id)
        self._record_dead()
        self._background_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End the active run, recorded as interrupted, and stop watching."""
        self._stop.set()
        self._thread.join()
        if self._watched is not None:
            self._end(self._watched, "interrupted", "The trainer was stopped.")

    def run(
        self, config: dict[str, Any], actor: str | None = None, *, background: bool = False
    ) -> runs.Run:
        """Start a run by its whole configuration.

        Raises runs.BusyError while one is active, unless that is in the background.
        """
        with self._lock:
            if not background:
                self._interrupt_background()
            run, lock = runs.create(config, actor, _usual_seconds(config), background=background)
            try:
                self._process = process.spawn(run, lock)
            finally:
                os.close(lock)  # the process has it now
            self._watched = run.run_id
        _log.info("run %s started: %s", run.run_id, config)
        return run

    def cancel(self, run_id: str) -> runs.Run | None:
        """End a run and its process, recorded as cancelled. Returns the record, None if unknown."""
        return self._end(run_id, "cancelled", "Cancelled.")

    def _watch(self) -> None:
        while not self._stop.wait(_WATCH_SECONDS):
            self._record_dead()
            with self._lock:
                if self._watched is not None and not runs.is_alive(self._watched):
                    self._close(self._watched, *self._how_it_died())
            if self._background_at is not None and time.monotonic() >= self._background_at:
                self._start_background()

    def _start_background(self) -> None:
        """Start or continue the background run, if one is due."""
        with self._lock:
            self._background_at = None  # until the next run ends
            if self._watched is not None:
                return
            try:
                config = first_start.due_in_background()
                if config is not None:
                    self.run(config, first_start.ACTOR, background=True)
            except runs.BusyError:  # a run of `make train`
                self._background_at = time.monotonic() + _PAUSE_SECONDS
            except OSError as error:
                _log.error("cannot train in the background: %s", files.error_reason(error))

    def _interrupt_background(self) -> None:
        run = runs.read(self._watched) if self._watched is not None else None
        if run is not None and run.background:
            self._end(run.run_id, "interrupted", "It makes way for another run, and goes on then.")

    def _record_dead(self) -> None:
        for run_id in tuple(self._dead):
            try:
                runs.end(run_id, "interrupted", "The trainer and the run were stopped.")
            except OSError as error:  # tried again, until the disk can be written
                _log_unrecorded(run_id, error)
            else:
                self._dead.remove(run_id)

    def _end(self, run_id: str, state: str, error: str) -> runs.Run | None:
        with self._lock:
            run = runs.read(run_id)
            if run is None or not run.is_active:
                return run
            deadline = time.monotonic() + _TERM_SECONDS
            while runs.is_alive(run_id):
                pid = self._process.pid if self._process else _pid(run_id)
                is_late = time.monotonic() > deadline
                process.send_signal(pid, signal.SIGKILL if is_late else signal.SIGTERM)
                time.sleep(0.05)
            return self._close(run_id, state, error)

    def _close(self, run_id: str, state: str, error: str) -> runs.Run | None:
        try:
            run = runs.end(run_id, state, error)
        except OSError as disk_error:
            _log_unrecorded(run_id, disk_error)
            self._dead.append(run_id)
            run = runs.read(run_id)
        self._process, self._watched = None, None
        self._background_at = time.monotonic() + _PAUSE_SECONDS
        if run is not None:
            _log.info("run %s %s %s", run_id, run.state, run.error or run.result)
        return run

    def _how_it_died(self) -> tuple[str, str]:
        """State and reason, for a process that ended without recording its end."""
        if self._process is None:
            return "interrupted", "The run's process ended while no trainer watched it."
        code = self._process.wait()
        if code == -signal.SIGTERM:  # BentoML's supervisor sends it to a trainer's children first
            return "interrupted", "The run was stopped, with the trainer or by hand."
        if code == -signal.SIGKILL:
            return "failed", "The run's process was killed: out of memory, or by hand."
        if code < 0:
            return "failed", f"The run's process was ended by {signal.Signals(-code).name}."
        return "failed", f"The run's process ended with exit code {code}; its log says why."


def _pid(run_id: str) -> int | None:
    """The process of a run that an earlier trainer started; None until it has recorded itself."""
    run = runs.read(run_id)
    return run.pid if run else None


def _usual_seconds(config: dict[str, Any]) -> float | None:
    """How long such runs take; None for one that goes on with another, which has less to do."""
    if "resume" in config:
        return None
    return durations.usual_seconds(config["recipe"], config["epochs"], config["champion"])


def _log_unrecorded(run_id: str, error: OSError) -> None:
    reason = files.error_reason(error)
    files.log_once(f"cannot record the end of run {run_id}: {reason}. It is tried again.")
