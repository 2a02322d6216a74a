"""The registry of classifier workers and of the version that each serves: WARDROBE_HOME/serving.

Each worker has two files there, `<host>-<pid>.lock` and `<host>-<pid>.json`, and a third one,
`.shadow`, while it runs a shadow version. It holds the lock until it ends, and the kernel releases
the lock however it ends. So every process, on this host or in another container, can tell which
workers are alive.

Names repeat: a container numbers its processes from 1 at every start. So one process at a time adds
or removes entries; otherwise a dead worker's removal could remove a new worker's entry.
"""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import settings
from training.store import files


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


class Registration:
    """This process's own entry. It lasts until the process ends."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        path = _folder() / f"{self.name}.lock"
        with _entries_locked():
            # Locked before it gets its name, so no reader ever finds it unlocked.
            unnamed = path.with_suffix(".new")
            self._lock = unnamed.open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self.report()
            unnamed.rename(path)

    def report(
        self, tag: str | None = None, error: str | None = None, tried: str | None = None
    ) -> None:
        """Write what this worker serves now; see Worker."""
        worker = Worker(self.name, tag, error, tried)
        path = _folder() / f"{self.name}.json"
        files.replace(path, json.dumps(asdict(worker)), durable=False)  # useless after a crash

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
        return (_folder() / f"{worker.worker}.shadow").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def remove_dead() -> list[Worker]:
    """Remove the entries of workers that have ended, and return them."""
    with _entries_locked():
        dead = [worker for worker, is_alive in _entries() if not is_alive]
        for worker in dead:
            for suffix in ("lock", "json", "shadow"):
                (_folder() / f"{worker.worker}.{suffix}").unlink(missing_ok=True)
    return dead


@contextlib.contextmanager
def _entries_locked() -> Iterator[None]:
    """Hold the lock for adding and removing entries.

    It is on the folder itself: a file in it could belong to another container's user.
    """
    _folder().mkdir(parents=True, exist_ok=True)
    descriptor = os.open(_folder(), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _entries() -> list[tuple[Worker, bool]]:
    found = []
    for lock in sorted(_folder().glob("*.lock")):
        with contextlib.suppress(FileNotFoundError):  # another process has just removed it
            is_alive = _is_locked(lock)
            worker = json.loads(lock.with_suffix(".json").read_text(encoding="utf-8"))
            found.append((Worker(**worker), is_alive))
    return found


def _is_locked(path: Path) -> bool:
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _folder() -> Path:
    return settings.home() / "serving"
