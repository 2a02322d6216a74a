"""The shadow assignment, a version and its share of the pictures: WARDROBE_HOME/shadow.

The trainer writes the file on request. Each worker of the classifier follows it, and writes into it
why a shadow test ended by itself. An exclusive lock keeps writers apart.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import settings
from training.store import files

PROMOTED, DELETED, BROKEN = "promoted", "deleted", "broken"
ENDS = (PROMOTED, DELETED, BROKEN)
"""Reasons for a shadow test to end by itself: the version was promoted, was deleted, or does not
load."""


@dataclass(frozen=True)
class Assignment:
    """A version's tag, its share of the pictures (above 0, up to 1) and the start (ISO 8601, UTC).

    If the test ended by itself, `ended` is one of ENDS and `reason` a sentence.
    """

    tag: str
    share: float
    since: str
    ended: str | None = None
    reason: str | None = None


def read() -> Assignment | None:
    """Return the current assignment, None when there is none or its file is damaged."""
    try:
        return Assignment(**json.loads(path().read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def assign(tag: str, share: float) -> Assignment:
    """Start a shadow test of a version, in place of the one before."""
    assignment = Assignment(tag, share, datetime.now(UTC).isoformat(timespec="milliseconds"))
    with _pen():
        _write(assignment)
    return assignment


def clear() -> None:
    """End the shadow test."""
    with _pen():
        path().unlink(missing_ok=True)


def end(assignment: Assignment, ended: str, reason: str) -> bool:
    """Record why a shadow test ended by itself, if `assignment` is still the current one.

    Returns whether it was.
    """
    with _pen():
        if read() != assignment:
            return False
        _write(replace(assignment, ended=ended, reason=reason))
    return True


def path() -> Path:
    """Return the path of the file that classifiers follow."""
    return settings.home() / "shadow"


def _write(assignment: Assignment) -> None:
    files.replace(path(), json.dumps(asdict(assignment)))


@contextmanager
def _pen() -> Iterator[None]:
    path().parent.mkdir(parents=True, exist_ok=True)
    with path().with_name(".shadow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
