"""Which version is the champion, the one that is served, and which ones were.

WARDROBE_HOME/champion names it. WARDROBE_HOME/promotions.jsonl is the history: a line a promotion,
never changed. A line is on the disk before the promotion is acknowledged.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

import settings
from training.store import files, locks, tags
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
    files.append(path(), [line])


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


def champion() -> str | None:
    """Return the champion's tag, or None before the first model.

    The last promotion stands in for a file that is missing or damaged.
    """
    try:
        return _named_champion()
    except (files.DamagedFile, FileNotFoundError):
        served = (one.tag for one in reversed(read_all()))
        return next(filter(_is_stored, served), None)


def champion_problem() -> str | None:
    """Return a sentence about the file that names the champion, None if nothing is wrong."""
    try:
        named = _named_champion()
    except files.DamagedFile as error:
        reason = f"is damaged: {error}"
    except FileNotFoundError:
        reason = "is missing"
    else:
        if _is_stored(named):
            return None
        return f"The live version, {named}, is not in the model store. Promote another version."
    tag = champion()
    if tag is None and reason == "is missing":
        return None  # before the first model
    instead = f"The last promoted version, {tag}, is live instead. " if tag else ""
    return f"The file that names the live version {reason}. {instead}Promote a version to write it."


def former_champions(tag: str) -> list[str]:
    """Return the tags of all other versions that were promoted, the newest first."""
    served = [one.tag for one in reversed(read_all())]
    return [one for one in dict.fromkeys(served) if one != tag]


@contextlib.contextmanager
def choosing_champion() -> Iterator[str | None]:
    """One process at a time compares with the champion and replaces it. Gives the present one."""
    with locks.locked(settings.home() / ".champion.lock"):
        yield champion()


def set_champion(tag: str | None) -> None:
    """Name the champion without loading it; None goes back to before the first."""
    try:
        _named_champion()
    except files.DamagedFile as error:
        files.move_away(champion_path(), str(error))
    except FileNotFoundError:
        pass
    if tag is None:
        champion_path().unlink(missing_ok=True)
    else:
        files.replace(champion_path(), f"{tag}\n")


def champion_path() -> Path:
    """The file that classifiers watch."""
    return settings.home() / "champion"


def _named_champion() -> str:
    """Raises FileNotFoundError or DamagedFile."""
    tag = files.read_text(champion_path()).strip()
    if not tags.is_tag(tag):
        raise files.DamagedFile("it does not hold the tag of a version")
    return tag


def _is_stored(tag: str) -> bool:
    return tags.is_tag(tag) and tags.folder(tag).is_dir()
