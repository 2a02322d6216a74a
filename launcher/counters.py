"""The folder of the services' counters: in memory, where the system offers a place for it.

Each worker of a service maps its counters into memory from files. On a disk that is full, the
kernel ends a worker at the first count that needs a new page. /dev/shm is never on a disk.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is ours alone, see _create
_NEEDED_BYTES = 32_000_000
"""A worker has four files, mostly of 64 kB."""


@contextlib.contextmanager
def counters_folder(home: Path) -> Iterator[Path]:
    """Create the folder for the services of a state folder; remove it at the end.

    It is in the state folder where memory has no place for it.
    """
    folder = _in_memory(home)
    try:
        yield folder if _create(folder) else home / "bentoml"
    finally:
        remove_counters(home)


def remove_counters(home: Path) -> None:
    """Remove what a launcher that was killed has left in memory."""
    folder = _in_memory(home)
    if _is_ours(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory(home: Path) -> Path:
    name = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return _MEMORY / f"wardrobe-{os.getuid()}-{name}"


def _create(folder: Path) -> bool:
    """Create the folder, empty and for this user only. Returns whether that was possible."""
    try:
        if _is_ours(folder):
            shutil.rmtree(folder)
        if shutil.disk_usage(_MEMORY).free < _NEEDED_BYTES:
            return False
        folder.mkdir(mode=0o700)  # fails on a folder or a link of somebody else
    except OSError:
        return False
    return True


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return found.st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink()
