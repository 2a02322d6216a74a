"""Which version shadows the champion, and on how many of the pictures: WARDROBE_HOME/shadow.

The trainer writes that file when somebody asks for it; each worker of the classifier follows it,
and writes into it why a shadow has ended by itself. Those who write wait for each other.
"""

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import settings
from training.store import files, locks

PROMOTED, DELETED, BROKEN = "promoted", "deleted", "broken"
ENDS = (PROMOTED, DELETED, BROKEN)
"""How a shadow ends by itself: it is the champion now; it is gone; it does not load."""


@dataclass(frozen=True)
class Assignment:
    """A version's tag and the share of pictures, above 0 to 1, since when (ISO 8601, UTC).

    Once it has ended by itself, `ended` is one of ENDS and `reason` a sentence.
    """

    tag: str
    share: float
    since: str
    ended: str | None = None
    reason: str | None = None


def read() -> Assignment | None:
    """The last order, or None when there is none, or none that can be read."""
    try:
        return Assignment(**json.loads(path().read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def assign(tag: str, share: float) -> Assignment:
    """Have a version shadow the champion from now on."""
    order = Assignment(tag, share, datetime.now(UTC).isoformat(timespec="milliseconds"))
    with _exclusive_lock():
        _write(order)
    return order


def clear() -> None:
    """Have no shadow any more."""
    with _exclusive_lock():
        path().unlink(missing_ok=True)


def end(order: Assignment, ended: str, reason: str) -> bool:
    """Write down why a shadow ended, unless there is another order by now, or another end of it.

    Returns whether it did.
    """
    with _exclusive_lock():
        if read() != order:
            return False
        _write(replace(order, ended=ended, reason=reason))
    return True


def path() -> Path:
    """The file that classifiers follow."""
    return settings.home() / "shadow"


def _write(order: Assignment) -> None:
    files.replace(path(), json.dumps(asdict(order)))


def _exclusive_lock() -> AbstractContextManager[None]:
    return locks.locked(path().with_name(".shadow.lock"))
