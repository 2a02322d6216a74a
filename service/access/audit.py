"""The audit log, WARDROBE_HOME/audit.jsonl: a line for each call that changes something.

Calls that were let through have the status of their answer; refused ones have 401 or 403. Lines
are written in a thread: an answer does not wait for the disk, and no disk makes a call fail.
"""

import atexit
import json
import logging
import queue
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import settings
from training.store import locks

_log = logging.getLogger(__name__)

LARGEST_FILE = 10_000_000
"""Bytes, after which the file becomes audit.jsonl.1, in place of the one before."""
REFUSALS_PER_MINUTE = 100
"""More are not written: a client without a token must not push the others out of the files."""

_MOST_WAITING = 10_000
_LONGEST_TEXT = 200
_STOP_SECONDS = 2


@dataclass(frozen=True)
class Entry:
    """A line. `time` is ISO 8601, UTC; `status` is None when no answer was begun."""

    time: str
    actor: str | None
    role: str | None
    address: str | None
    method: str
    path: str
    status: int | None


def path() -> Path:
    """Where the log is."""
    return settings.home() / "audit.jsonl"


class AuditLog:
    """Writes entries in a thread of its own, which the first one starts."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Entry | None] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._minute, self._refusals = 0, 0

    def record(
        self,
        *,
        actor: str | None,
        role: str | None,
        address: str | None,
        method: str,
        path: str,
        status: int | None,
    ) -> None:
        """Write a line soon. Never raises."""
        if status in (401, 403) and self._is_too_many():
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = Entry(now, actor, role, address, method[:16], path[:_LONGEST_TEXT], status)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="audit", daemon=True)
            self._thread.start()
            atexit.register(self.close)
        try:
            self._waiting.put_nowait(entry)
        except queue.Full:
            _log.error("the audit log cannot keep up: a line is lost: %s", entry)

    def close(self) -> None:
        """Write what waits."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(_STOP_SECONDS)
            self._thread = None

    def _is_too_many(self) -> bool:
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._refusals = minute, 0
        self._refusals += 1
        if self._refusals == REFUSALS_PER_MINUTE + 1:
            _log.warning("more than %d calls were refused in a minute", REFUSALS_PER_MINUTE)
        return self._refusals > REFUSALS_PER_MINUTE

    def _write_all(self) -> None:
        while (entry := self._waiting.get()) is not None:
            try:
                _append(json.dumps(asdict(entry)) + "\n")
            except OSError as error:
                _log.error("the audit log cannot be written: %s: %s", error, entry)


def _append(line: str) -> None:
    file = path()
    # One process at a time, so that only one of them renames the file.
    with locks.locked(file.with_name(".audit.lock")):
        if file.exists() and file.stat().st_size + len(line) > LARGEST_FILE:
            file.replace(file.with_name(f"{file.name}.1"))
        with file.open("a", encoding="utf-8") as lines:
            lines.write(line)
