"""Which processes serve, and which version each of them serves: WARDROBE_HOME/serving.

Each classifier worker keeps two files there, `<host>-<pid>.lock` and `<host>-<pid>.json`, and a
third one, `.shadow`, while a version answers in the champion's shadow. It
holds the lock as long as it lives; the kernel releases it however the worker ends. So a reader
can always tell the living from the dead, whichever process, server or container it is.

Names come again: a container counts its processes from 1, at every start. So entries are added and
removed by one process at a time, else a new worker's could go instead of the dead one's.
"""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import settings
from training.store import files, locks


@dataclass(frozen=True)
class Worker:
    """What a living worker says of itself. `tag` is what it serves, `error` why not the champion.

    `tried` is the champion that it last loaded or failed to load.
    """

    worker: str
    tag: str | None = None
    error: str | None = None
    tried: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether it runs on this host, or in this container."""
        return self.worker.rpartition("-")[0] == socket.gethostname()

    @property
    def pid(self) -> int:
        """Its process, on its host."""
        return int(self.worker.rpartition("-")[2])


class Registration:
    """This process's own entry, from now until the process ends."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        path = _folder() / f"{self.name}.lock"
        with _entries_locked():
            # Locked before it has its name: nobody ever sees it unlocked while we live.
            unnamed = path.with_suffix(".new")
            self._lock = os.fdopen(locks.hold(unnamed), "w")  # closed with this object
            self.tell()
            unnamed.rename(path)

    def tell(
        self, tag: str | None = None, error: str | None = None, tried: str | None = None
    ) -> None:
        """Say what this worker serves now."""
        worker = Worker(self.name, tag, error, tried)
        path = _folder() / f"{self.name}.json"
        files.replace(path, json.dumps(asdict(worker)), durable=False)  # it ends with the process

    def tell_shadow(self, tag: str | None) -> None:
        """Say which version answers in the champion's shadow here; None when none does."""
        path = _folder() / f"{self.name}.shadow"
        if tag is None:
            path.unlink(missing_ok=True)
        else:
            files.replace(path, tag, durable=False)


def list_alive() -> list[Worker]:
    """Every worker that is alive, by name."""
    return [worker for worker, alive in _all() if alive]


def shadows() -> list[tuple[Worker, str]]:
    """The living workers with a version in the champion's shadow, and its tag."""
    found = []
    for worker in list_alive():
        with contextlib.suppress(FileNotFoundError):
            path = _folder() / f"{worker.worker}.shadow"
            found.append((worker, path.read_text(encoding="utf-8")))
    return found


def remove_dead() -> list[Worker]:
    """Remove what workers left that were killed, and return them."""
    with _entries_locked():
        dead = [worker for worker, alive in _all() if not alive]
        for worker in dead:
            for suffix in ("lock", "json", "shadow"):
                (_folder() / f"{worker.worker}.{suffix}").unlink(missing_ok=True)
    return dead


@contextlib.contextmanager
def _entries_locked() -> Iterator[None]:
    """One process at a time adds or removes entries.

    The folder itself is what is locked: a file in it could belong to another container's user.
    """
    _folder().mkdir(parents=True, exist_ok=True)
    with locks.locked(_folder()):
        yield


def _all() -> list[tuple[Worker, bool]]:
    found = []
    for lock in sorted(_folder().glob("*.lock")):
        with contextlib.suppress(FileNotFoundError):  # another process has just removed it
            alive = locks.is_locked(lock)
            worker = json.loads(lock.with_suffix(".json").read_text(encoding="utf-8"))
            found.append((Worker(**worker), alive))
    return found


def _folder() -> Path:
    return settings.home() / "serving"
