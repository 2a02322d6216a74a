"""Which version is the champion, the one that is served: the file WARDROBE_HOME/champion."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import settings
from training.store import files, locks, promotions, tags


def champion() -> str | None:
    """Return the champion's tag, or None before the first model.

    The last promotion stands in for a file that is missing or damaged.
    """
    try:
        return _named_champion()
    except (files.DamagedFile, FileNotFoundError):
        served = (one.tag for one in reversed(promotions.read_all()))
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
    served = [one.tag for one in reversed(promotions.read_all())]
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
