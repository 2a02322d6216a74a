"""The state folder at the start: what is damaged there is renamed, so that the processes start."""

import contextlib
import errno
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from launcher.console import print_line
from launcher.errors import CannotStartError

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
            f"The state folder {home} cannot be written: {error_reason(error)}. Make room or make "
            "it writable, or choose another folder with WARDROBE_HOME."
        ) from error


def move_away(path: Path, reason: str) -> None:
    """Rename what is damaged to `<name>.damaged-<time>`, with the reason in a text file beside it.

    The trainer lists these names. The reason is printed. Raises OSError.
    """
    target = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}")
    path.rename(target)
    sentence = (
        f"{path.name} was damaged: {reason}. It is now {target.name}, and a new one is used. "
        "Delete it when you no longer need it."
    )
    print_line(sentence)
    with contextlib.suppress(OSError):
        target.with_name(f"{target.name}.txt").write_text(f"{sentence}\n", encoding="utf-8")


def error_reason(error: OSError) -> str:
    """Return the cause of an error of the disk, in words."""
    reasons = {
        errno.ENOSPC: "the disk is full",
        errno.EROFS: "the disk is read-only",
        errno.EACCES: "it belongs to another user, or its mode forbids it",
    }
    return reasons.get(error.errno or 0, (error.strerror or str(error)).lower())
