"""Files of the state folder: replaced whole, read with a reason when damaged, never deleted for it.

A file is replaced so that a reader sees the old content or the new, never a part. A damaged one
that must be replaced is renamed to `<name>.damaged-<time>`, with a sentence in a text file of that
name beside it.
"""

import errno
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

DAMAGED = ".damaged-"
"""Part of the name of what was damaged and had to be replaced."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM)


class DamagedFile(Exception):  # noqa: N818 - it says what happened
    """A file is there but cannot be used; the message, "it is empty" for example, says why."""


def replace(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Write `content` beside `path`, flush it to the disk and rename it over `path`.

    A folder at `path` is moved away first. Without `durable` the flush is left out, for what is
    written often and would be no loss: it takes as long as the disk is busy.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if path.is_dir() and not path.is_symlink():
            move_away(path, "it is a folder")
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink(missing_ok=True)
        raise


def append(path: Path, lines: Iterable[str]) -> None:
    """Append lines to a file, and flush them to the disk. A folder at `path` is moved away first.

    A line break comes first: a line that a power cut left half-written must not damage these.
    """
    if path.is_dir():
        move_away(path, "it is a folder")
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(f"\n{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


def read_text(path: Path) -> str:
    """Return the text of a file. Raises FileNotFoundError, or DamagedFile for every other cause."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except IsADirectoryError:
        raise DamagedFile("it is a folder") from None
    except UnicodeDecodeError:
        raise DamagedFile("it is not text") from None
    except OSError as error:
        raise DamagedFile(f"it cannot be read ({error_reason(error)})") from error
    if not text.strip("\0 \r\n\t"):
        raise DamagedFile("it is empty" if not text.strip() else "it holds zeros only")
    return text


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file. Raises FileNotFoundError or DamagedFile."""
    return parse_object(read_text(path))


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object. Raises DamagedFile.

    Earlier releases stored what cannot be sent as JSON in UTF-8. NaN and infinity become None,
    halves of surrogate pairs question marks.
    """
    try:
        found = _loads(text)
        written = json.dumps(found, ensure_ascii=False)
        if not written.isascii():
            found = _loads(written.encode("utf-8", "replace").decode())
    except (ValueError, RecursionError):
        raise DamagedFile("it is not JSON, or only a part of it") from None
    if not isinstance(found, dict):
        raise DamagedFile("it holds no JSON object")
    return found


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=lambda _: None)


def move_away(path: Path, reason: str, note: str = "") -> Path:
    """Rename a damaged file or folder to `<name>.damaged-<time>`, and return its new path.

    `reason` continues "… was damaged: ", `note` is a further sentence. Both are logged and written
    beside it for the trainer to show. Raises OSError when it cannot be renamed.
    """
    target = unused_name(path)
    path.rename(target)
    describe_damage(target, f"{path.name} was damaged: {reason}. It is now {target.name}. {note}")
    return target


def unused_name(path: Path) -> Path:
    """Return `<path>.damaged-<time>`, a name that nothing has."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    target, number = path.with_name(f"{path.name}{DAMAGED}{stamp}"), 1
    while target.exists() or note_path(target).exists():
        number += 1
        target = path.with_name(f"{path.name}{DAMAGED}{stamp}-{number}")
    return target


def describe_damage(target: Path, sentence: str) -> None:
    """Log what happened to a file, and write it into the text file beside `target`."""
    _log.error("%s", sentence.strip())
    with suppress(OSError):  # a full disk: the name says that it was damaged
        note_path(target).write_text(f"{sentence.strip()}\n", encoding="utf-8")


def note_path(target: Path) -> Path:
    """Return the path of the text file beside something that was moved away."""
    return target.with_name(f"{target.name}.txt")


@cache
def log_once(sentence: str) -> None:
    """Log a sentence the first time only: damaged files are read again and again."""
    _log.error("%s", sentence)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex. It is read anew only when it has changed.

    Raises OSError.
    """
    status = path.stat()
    return _sha256(path, status.st_ino, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _sha256(path: Path, *_: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def error_reason(error: OSError) -> str:
    """Return the cause of an error of the disk, in words."""
    if error.errno in _FULL:
        return "the disk is full"
    if error.errno == errno.EROFS:
        return "the disk is read-only"
    if error.errno in _DENIED:
        return "it belongs to another user, or its mode forbids it"
    return (error.strerror or str(error) or type(error).__name__).lower()


def error_sentence(error: Exception) -> str:
    """Return the message of an error; of one of the disk a sentence with the file and the cause."""
    if not isinstance(error, OSError):
        return str(error)
    file = error.filename2 or error.filename or "A file"
    return f"{file} cannot be read or written: {error_reason(error)}."


def is_full(error: OSError) -> bool:
    """Whether there was no room left on the disk."""
    return error.errno in _FULL
