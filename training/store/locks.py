"""Exclusive locks on files and folders (flock), between the processes of this host.

The kernel releases a lock when the last copy of its descriptor is closed, however the process
that held it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of `path` within the block; wait for it first. See `hold`."""
    descriptor = hold(path)
    try:
        yield
    finally:
        os.close(descriptor)


def hold(path: Path) -> int:
    """Wait for the lock of a file or folder, and return the descriptor that holds it.

    Creates an empty file, and its folder, where there is none. The lock lasts until every copy of
    the descriptor is closed, those in child processes included.
    """
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock of a file. Raises FileNotFoundError when there is no file.

    A reader's right is enough: the file may belong to the user of another container. Two
    processes that ask at once do not take each other for the holder.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open(path: Path) -> int:
    if path.is_dir():
        return os.open(path, os.O_RDONLY)  # a folder cannot be opened for writing
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return os.open(path, os.O_RDONLY)  # of another user, or on a read-only disk
