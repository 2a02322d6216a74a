"""The registry of classifier workers and of the version that each serves: WARDROBE_HOME/serving.

Each worker has two files there, `<host>-<pid>.lock` and `<host>-<pid>.json`, and a third one,
`.shadow`, while it runs a shadow version. It holds the lock until it ends, and the kernel releases
the lock however it ends. So every process, on this host or in another container, can tell which
workers are alive.

Names repeat: a container numbers its processes from 1 at every start. So one process at a time adds
or removes entries; otherwise a dead worker's removal could remove a new worker's entry.
"""

import contextlib
import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

import settings
from training.store import files, locks

_NAME = re.compile(r".+-\d+")


@dataclass(frozen=True)
class Worker:
    """A worker's entry.

    `worker` is its name, `tag` the version that it serves, `tried` the champion that it last loaded
    or failed to load, and `error` the reason of the failure.
    """

    worker: str
    tag: str | None = None
    error: str | None = None
    tried: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether it runs on this host or in this container."""
        return self.worker.rpartition("-")[0] == socket.gethostname()

    @property
    def pid(self) -> int:
        """Its process id on its host."""
        return int(self.worker.rpartition("-")[2])


_WORKER = TypeAdapter(Worker)


class Registration:
    """This process's own entry. It lasts until the process ends.

    A disk that is full or read-only is logged, and the worker serves all the same.
    """

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self._entry = ""
        try:
            self._register()
        except OSError as error:  # a read-only disk: a worker serves without an entry too
            files.log_once(f"cannot register this worker: {files.error_reason(error)}")

    def _register(self) -> None:
        path = _folder() / f"{self.name}.lock"
        with _entries_locked():
            # Locked before it gets its name, so no reader ever finds it unlocked.
            unnamed = path.with_suffix(".new")
            for each in (unnamed, path):
                if each.is_dir():
                    files.move_away(each, "it is a folder")
            self._lock = os.fdopen(locks.hold(unnamed), "rb")  # closed with this object
            self.report()
            unnamed.rename(path)

    def report(
        self, tag: str | None = None, error: str | None = None, tried: str | None = None
    ) -> None:
        """Write what this worker serves now; see Worker."""
        self._entry = json.dumps(asdict(Worker(self.name, tag, error, tried)))
        try:
            # Not flushed to the disk: it is useless after a crash.
            files.replace(_folder() / f"{self.name}.json", self._entry, durable=False)
        except OSError as error:  # `repair` tries again
            files.log_once(f"cannot register this worker: {files.error_reason(error)}")

    def repair(self) -> None:
        """Write the entry again if it is missing or damaged. Raises OSError."""
        path = _folder() / f"{self.name}.json"
        with contextlib.suppress(OSError, ValueError):
            if path.read_text(encoding="utf-8") == self._entry:
                return
        files.replace(path, self._entry, durable=False)

    def report_shadow(self, tag: str | None) -> None:
        """Write the tag of this worker's shadow version, None when it has none."""
        path = _folder() / f"{self.name}.shadow"
        if tag is None:
            path.unlink(missing_ok=True)
        else:
            files.replace(path, tag, durable=False)


def list_alive() -> list[Worker]:
    """List the workers that are alive, sorted by name."""
    return [worker for worker, is_alive in _entries() if is_alive]


def shadows() -> list[tuple[Worker, str]]:
    """List the workers that are alive and run a shadow version, with its tag."""
    return [(worker, tag) for worker in list_alive() if (tag := shadow_of(worker))]


def shadow_of(worker: Worker) -> str | None:
    """Return the tag of a worker's shadow version, None when it has none."""
    try:
        return files.read_text(_folder() / f"{worker.worker}.shadow")
    except (FileNotFoundError, files.DamagedFile):
        return None


def remove_dead() -> list[Worker]:
    """Remove the entries of workers that have ended, and return them."""
    with _entries_locked():
        dead = [worker for worker, is_alive in _entries() if not is_alive]
        for worker in dead:
            for suffix in ("lock", "json", "shadow"):
                path = _folder() / f"{worker.worker}.{suffix}"
                if path.is_dir():
                    files.move_away(path, "it is a folder")
                path.unlink(missing_ok=True)
    return dead


@contextlib.contextmanager
def _entries_locked() -> Iterator[None]:
    """Hold the lock for adding and removing entries.

    It is on the folder itself: a file in it could belong to another container's user.
    """
    _folder().mkdir(parents=True, exist_ok=True)
    with locks.locked(_folder()):
        yield


def _entries() -> list[tuple[Worker, bool]]:
    found = []
    for lock in sorted(_folder().glob("*.lock")):
        if not _NAME.fullmatch(lock.stem):
            continue
        with contextlib.suppress(OSError):  # another process has just removed it, or it is damaged
            is_alive = locks.is_locked(lock)
            found.append((_read(lock), is_alive))
    return found


def _read(lock: Path) -> Worker:
    """The entry beside a lock; an empty one while it is damaged. Its worker writes it again."""
    name = lock.name.removesuffix(".lock")
    try:
        worker = _WORKER.validate_python(files.read_object(lock.with_name(f"{name}.json")))
    except (FileNotFoundError, files.DamagedFile, ValueError):
        return Worker(name)
    return worker if worker.worker == name else Worker(name)


def _folder() -> Path:
    return settings.home() / "serving"
