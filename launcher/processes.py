"""Finds and kills the processes that a launcher started, with all their descendants."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

STOP_TIMEOUT_SECONDS = 3.0
"""A process that has not ended this long after SIGTERM is killed."""


def started_processes(home: Path, name: str | None = None) -> Iterator[psutil.Process]:
    """Yield the running processes that a launcher of this folder started.

    They are recognised by their environment, which an orphaned worker and a training run in its
    own session still carry. `name` restricts them to one line of the Procfile.
    """
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue  # it ended, or it belongs to another user
        process_name = environment.get("WARDROBE_PROCESS")
        if not process_name or name not in (None, process_name):
            continue
        if environment["WARDROBE_HOME"] == str(home):
            yield process


def kill_started_processes(home: Path) -> int:
    """Kill all started processes, and those they start meanwhile. Returns the number killed."""
    count = 0
    for _ in range(5):
        found = list(started_processes(home))
        kill(found)
        count += len(found)
        if not found:
            break
    return count


def free_ports(home: Path, name: str) -> None:
    """Kill what a dead process left listening: its workers, or the Prometheus behind its gate.

    A training run does not listen, so it survives a killed trainer, and the next one finds it.
    """
    kill([process for process in started_processes(home, name) if listens(process)])


def listens(process: psutil.Process) -> bool:
    """Return whether this process accepts connections."""
    with contextlib.suppress(psutil.Error):
        return any(it.status == psutil.CONN_LISTEN for it in process.net_connections("tcp"))
    return False


def kill(processes: list[psutil.Process]) -> None:
    """Kill these processes and wait until they have ended."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=0.5)
