"""Kinds of damage to a file of the state folder, as a full disk, a power cut or a mistake leave."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


def _content(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return damage


def _put_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _forbid(path: Path) -> None:
    if os.getuid() == 0:
        os.chown(path, 0, 0)
    path.chmod(0)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "missing": Path.unlink,
    "empty": _content(lambda _: b""),
    "cut in half": _content(lambda old: old[: len(old) // 2]),
    "zeros": _content(lambda old: bytes(len(old) or 100)),
    "garbage": _content(lambda old: random.Random(1).randbytes(max(len(old), 100))),
    "a folder": _put_folder,
    "unreadable": _forbid,
}


@contextmanager
def ordinary_user(home: Path) -> Iterator[None]:
    """Run the block as a user whom modes of files bind: root becomes nobody, others stay."""
    if os.getuid() != 0:
        yield
        return
    for path in (home, *home.rglob("*")):
        if path.stat().st_mode & 0o777:
            shutil.chown(path, _NOBODY, _NOBODY)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
