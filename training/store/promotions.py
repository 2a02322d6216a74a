"""The history of promotions: WARDROBE_HOME/promotions.jsonl.

One line a promotion, never changed. A line is on the disk before the promotion is acknowledged.
"""

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

import settings
from training.store import files
from training.store.runs import now

GATE, PERSON = "gate", "person"


@dataclass(frozen=True)
class Promotion:
    """`tag` is served since `time` (ISO 8601, UTC), instead of `previous`, None for a first one.

    `by` is GATE or PERSON, `reason` what the person gave, if anything. `actor` is that person, or
    who started the run that the gate compared.
    """

    time: str
    tag: str
    previous: str | None
    by: str
    reason: str | None
    actor: str | None = None


_PROMOTION = TypeAdapter(Promotion)


def path() -> Path:
    """Return the path of the history."""
    return settings.home() / "promotions.jsonl"


def record(
    tag: str,
    previous: str | None,
    by: str,
    reason: str | None = None,
    actor: str | None = None,
) -> None:
    """Append a promotion, with the present time."""
    line = json.dumps(asdict(Promotion(now(), tag, previous, by, reason, actor)))
    if path().is_dir():
        files.move_away(path(), "it is a folder")
    # A line break first: a line that a power cut left half-written must not damage this one.
    with path().open("a", encoding="utf-8") as lines:
        lines.write(f"\n{line}\n")
        lines.flush()
        os.fsync(lines.fileno())


def read_all() -> list[Promotion]:
    """Return all promotions that can be read, oldest first."""
    return _read()[0]


def problem() -> str | None:
    """Return a sentence about what cannot be read of the history, None if all of it can."""
    return _read()[1]


def _read() -> tuple[list[Promotion], str | None]:
    try:
        content = path().read_bytes()
    except FileNotFoundError:
        return [], None
    except OSError as error:
        reason = "it is a folder" if path().is_dir() else files.error_reason(error)
        return [], _damaged(f"The history of promotions cannot be read: {reason}.")
    found, damaged = [], 0
    for line in content.splitlines():
        try:
            promotion = _PROMOTION.validate_python(files.parse_object(line.decode()))
            if promotion.by not in (GATE, PERSON) or not datetime.fromisoformat(promotion.time):
                raise ValueError(line)
            found.append(promotion)
        except (files.DamagedFile, ValueError):  # cut off by a power cut
            damaged += bool(line.strip())
    if not damaged:
        return found, None
    lines = "1 line" if damaged == 1 else f"{damaged} lines"
    return found, _damaged(f"{lines} of the history of promotions cannot be read.")


def _damaged(reason: str) -> str:
    sentence = (
        f"{reason} The versions are not affected. Repair {path().name} from a copy, or delete "
        "what is damaged in it."
    )
    files.log_once(sentence)
    return sentence
