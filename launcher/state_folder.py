"""The state folder at the start, and the locked file in it that holds the launcher's number.

What is damaged there is renamed, so that the processes start. The launcher holds a lock on its pid
file for as long as it lives. A lock ends with its process, however that ends, so another process
that later gets the same number is never taken for it.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from launcher import CannotStartError
from launcher.console import print_line
from launcher.ports import page_url
from launcher.processes import started_processes
from training.store import files

FOLDERS = ("bentoml", "bentoml/classifier", "bentoml/trainer", "models", "prometheus", "runs")


def check_state_folder(home: Path) -> None:
    """Create the state folder. Raises CannotStartError when it cannot be written.

    A file where one of its folders should be is renamed.
    """
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
        for name in FOLDERS:
            path = home / name
            if path.exists() and not path.is_dir():
                move_away(path, "it is not a folder")
            path.mkdir(exist_ok=True)


@contextlib.contextmanager
def writing(home: Path) -> Iterator[None]:
    """Turn a failure to write into the state folder into a CannotStartError."""
    try:
        yield
    except OSError as error:
        raise CannotStartError(
            f"The state folder {home} cannot be written: {files.error_reason(error)}. Make room or "
            "make it writable, or choose another folder with WARDROBE_HOME."
        ) from error


def move_away(path: Path, reason: str) -> None:
    """Rename what is damaged to `<name>.damaged-<time>`, with the reason in a text file beside it.

    The trainer lists these names. The reason is printed. Raises OSError.
    """
    files.move_away(path, reason, "A new one is used. Delete it when you no longer need it.")


def pid_file(home: Path) -> Path:
    """Path of the file with the launcher's process number."""
    return home / "launcher.pid"


@contextlib.contextmanager
def hold_pid_file(home: Path) -> Iterator[None]:
    """Hold the folder's pid file.

    Raises CannotStartError when another launcher holds it, or when the folder cannot be written.
    """
    with writing(home):
        if pid_file(home).is_dir():
            move_away(pid_file(home), "it is a folder")
        opened = pid_file(home).open("a+")
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStartError(
                f"Wardrobe is already running, as process {running_launcher(home)}: "
                f"open {running_page_url(home)}, or stop it with `make stop`."
            ) from None
        try:
            file.truncate(0)
            os.write(file.fileno(), f"{os.getpid()}\n".encode())  # a buffer would fail at the end
        except OSError as error:
            # The lock is what counts: the number can be found without the file.
            print_line(f"{pid_file(home)} cannot be written: {files.error_reason(error)}.")
        try:
            yield
        finally:
            pid_file(home).unlink(missing_ok=True)


def running_launcher(home: Path) -> int | None:
    """Process number of this folder's launcher, or None when none is running."""
    try:
        with pid_file(home).open(errors="replace") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _number(file.read()) or _holder(home)
    except (FileNotFoundError, IsADirectoryError):
        pass
    return None


def running_page_url(home: Path) -> str:
    """Address of the page that the running launcher of this folder started."""
    for process in started_processes(home, "app"):
        with contextlib.suppress(psutil.Error):
            return f"http://localhost:{process.environ()['APP_PORT']}"
    return page_url()


def _number(text: str) -> int | None:
    digits = text.strip("\0 \n")
    return int(digits) if digits.isascii() and digits.isdigit() else None


def _holder(home: Path) -> int | None:
    """The process that has the pid file open, for one whose content is damaged."""
    path = str(pid_file(home))
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and any(it.path == path for it in process.open_files()):
                return process.pid
    return None
