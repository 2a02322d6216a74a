"""One launcher per state folder: a locked file that holds its process number.

The launcher holds a lock on its pid file for as long as it lives. A lock ends with its process,
however that ends, so another process that later gets the same number is never taken for it.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from launcher.errors import CannotStartError, writing
from launcher.ports import page_url


def pid_file(home: Path) -> Path:
    """Path of the file with the launcher's process number."""
    return home / "launcher.pid"


@contextlib.contextmanager
def hold_pid_file(home: Path) -> Iterator[None]:
    """Hold the folder's pid file.

    Raises CannotStartError when another launcher holds it, or when the folder cannot be written.
    """
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
        opened = pid_file(home).open("a+")
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStartError(
                f"Wardrobe is already running, as process {running_launcher(home)}: "
                f"open {page_url()}, or stop it with `make stop`."
            ) from None
        with writing(home):
            file.truncate(0)
            os.write(file.fileno(), f"{os.getpid()}\n".encode())
        try:
            yield
        finally:
            pid_file(home).unlink(missing_ok=True)


def running_launcher(home: Path) -> int | None:
    """Process number of this folder's launcher, or None when none is running."""
    try:
        with pid_file(home).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read())
    except FileNotFoundError:
        pass
    return None
