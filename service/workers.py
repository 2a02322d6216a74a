"""Which processes serve, and which version each of them serves: WARDROBE_HOME/serving.

Each classifier worker keeps two files there, `<host>-<pid>.lock` and `<host>-<pid>.json`. It
holds the lock as long as it lives; the kernel releases it however the worker ends. So a reader
can always tell the living from the dead, whichever process, server or container it is.
"""

import contextlib
import fcntl
import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

import settings
from training import files


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
        _folder().mkdir(parents=True, exist_ok=True)
        path = _folder() / f"{self.name}.lock"
        # Locked before it has its name: nobody ever sees it unlocked while we live.
        unnamed = path.with_suffix(".new")
        self._lock = unnamed.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.tell()
        unnamed.rename(path)

    def tell(
        self, tag: str | None = None, error: str | None = None, tried: str | None = None
    ) -> None:
        """Say what this worker serves now."""
        worker = Worker(self.name, tag, error, tried)
        path = _folder() / f"{self.name}.json"
        files.replace(path, json.dumps(asdict(worker)), durable=False)  # it ends with the process


def living() -> list[Worker]:
    """Every worker that is alive, by name."""
    return [worker for worker, alive in _all() if alive]


def forget_the_dead() -> list[Worker]:
    """Remove what workers left that were killed, and return them."""
    dead = [worker for worker, alive in _all() if not alive]
    for worker in dead:
        for suffix in ("lock", "json"):
            (_folder() / f"{worker.worker}.{suffix}").unlink(missing_ok=True)
    return dead


def _all() -> list[tuple[Worker, bool]]:
    found = []
    for lock in sorted(_folder().glob("*.lock")):
        with contextlib.suppress(FileNotFoundError):  # another process has just removed it
            alive = _is_locked(lock)
            worker = json.loads(lock.with_suffix(".json").read_text(encoding="utf-8"))
            found.append((Worker(**worker), alive))
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
