"""The history of promotions: WARDROBE_HOME/promotions.jsonl.

One line a promotion, never changed. A line is on the disk before the promotion is acknowledged.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import settings
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
    # A line break first: a line that a power cut left half-written must not damage this one.
    with path().open("a", encoding="utf-8") as lines:
        lines.write(f"\n{line}\n")
        lines.flush()
        os.fsync(lines.fileno())


def read_all() -> list[Promotion]:
    """Return all promotions, oldest first."""
    try:
        lines = path().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(Promotion(**json.loads(line)))
        except (ValueError, TypeError):  # empty, or cut off by a power cut
            continue
    return found
