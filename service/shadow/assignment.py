"""The shadow assignment, a version and its share of the pictures: WARDROBE_HOME/shadow.

The trainer writes the file on request. Each worker of the classifier follows it, and writes into it
why a shadow test ended by itself. An exclusive lock keeps writers apart.
"""

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

import settings
from training.store import files, locks

PROMOTED, DELETED, BROKEN = "promoted", "deleted", "broken"
ENDS = (PROMOTED, DELETED, BROKEN)
"""Reasons for a shadow test to end by itself: the version was promoted, was deleted, or does not
load."""


@dataclass(frozen=True)
class Assignment:
    """A version's tag, its share of the pictures (above 0, up to 1) and the start (ISO 8601, UTC).

    `actor` is who started it. If the test ended by itself, `ended` is one of ENDS and `reason` a
    sentence.
    """

    tag: str
    share: float
    since: str
    ended: str | None = None
    reason: str | None = None
    actor: str | None = None


_ASSIGNMENT = TypeAdapter(Assignment)


def read() -> Assignment | None:
    """Return the current assignment, None when there is none or its file is damaged."""
    try:
        return _load()
    except (FileNotFoundError, files.DamagedFile):
        return None


def problem() -> str | None:
    """Return a sentence about the file of the assignment, None if nothing is wrong with it."""
    try:
        _load()
    except FileNotFoundError:
        return None
    except files.DamagedFile as error:
        return (
            f"The file of the shadow test is damaged: {error}. The test has ended. Start it anew."
        )
    return None


def assign(tag: str, share: float, actor: str | None = None) -> Assignment:
    """Start a shadow test of a version, in place of the one before."""
    since = datetime.now(UTC).isoformat(timespec="milliseconds")
    assignment = Assignment(tag, share, since, actor=actor)
    with _exclusive_lock():
        _write(assignment)
    return assignment


def clear() -> None:
    """End the shadow test."""
    with _exclusive_lock():
        if path().is_dir():
            files.move_away(path(), "it is a folder")
        path().unlink(missing_ok=True)


def end(assignment: Assignment, ended: str, reason: str) -> bool:
    """Record why a shadow test ended by itself, if `assignment` is still the current one.

    Returns whether it was.
    """
    with _exclusive_lock():
        if read() != assignment:
            return False
        _write(replace(assignment, ended=ended, reason=reason))
    return True


def path() -> Path:
    """Return the path of the file that classifiers follow."""
    return settings.home() / "shadow"


def _load() -> Assignment:
    """Raises FileNotFoundError or DamagedFile."""
    found = files.read_object(path())
    try:
        return _ASSIGNMENT.validate_python(found)
    except ValueError:
        raise files.DamagedFile("it is no shadow test") from None


def _write(assignment: Assignment) -> None:
    files.replace(path(), json.dumps(asdict(assignment)))


def _exclusive_lock() -> AbstractContextManager[None]:
    return locks.locked(path().with_name(".shadow.lock"))
