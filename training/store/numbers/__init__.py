"""The versions' numbers, by which people call them: v1, v2 and so on.

A number is never given twice, also when its version was deleted. One of an earlier release gets its
number, by age, when the versions are first listed; one that was imported the next free one. Numbers
stand in a file (numbers_file.py), and in the version's metadata too, in case that file is lost.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

import settings
from training.store import descriptions, files, locks, tags
from training.store.numbers import numbers_file
from training.store.numbers.numbers_file import StoredNumbers

_NUMBER = re.compile(r"v?([1-9]\d{0,8})", re.ASCII)
_STORED_NUMBER = re.compile(r"^  number: (\d{1,9})$", re.MULTILINE)
"""In a model.yaml: parsing the whole file takes longer."""


def by_version() -> Mapping[str, int]:
    """Return the number of every version, by the second half of its tag; of deleted ones too."""
    known = numbers_file.read()
    if known.damage is None and not _without_number(known):
        return known.numbers
    try:
        with locks.locked(_lock()):
            return _complete()
    except OSError as error:
        # They will be the same the next time.
        files.log_once(f"New versions' numbers cannot be stored: {files.error_reason(error)}.")
        return {**known.numbers, **_choose(known)}


def name(tag: str) -> str:
    """Return what people call a version, `v4`; the tag of one that is not stored."""
    number = by_version().get(tags.version_of(tag))
    return tag if number is None else f"v{number}"


def to_tag(name: str) -> str:
    """Return the tag of a version by its number, `4` or `v4`, by its second half or the whole tag.

    A name that is no number of a version is returned as if it were its second half.
    """
    tag, number = tags.to_tag(name), _NUMBER.fullmatch(name)
    if number is None or tags.folder(tag).exists():
        return tag
    wanted = int(number[1])
    found = (version for version, given in by_version().items() if given == wanted)
    return tags.to_tag(next(found, name))


@contextlib.contextmanager
def next_number() -> Iterator[int]:
    """Give the number for a version that is stored and recorded within the block.

    One process at a time; others wait.
    """
    with locks.locked(_lock()):
        yield max(_complete().values(), default=0) + 1


def record(version: str, number: int) -> None:
    """Keep the number of a version that has just been stored. Call it within `next_number`."""
    try:
        numbers_file.append({version: number})
    except OSError as error:  # the version is stored, and gets this number when it is listed
        files.log_once(f"A version's number cannot be stored: {files.error_reason(error)}.")


def _complete() -> Mapping[str, int]:
    """Give a number to every version that has none, and return all. Raises OSError."""
    known = numbers_file.read()
    new = _choose(known)
    if known.damage is not None:
        numbers_file.replace({**known.numbers, **new}, known.damage)
    elif new:
        numbers_file.append(new)
    return {**known.numbers, **new}


def _choose(known: StoredNumbers) -> dict[str, int]:
    """Choose numbers for the versions that have none, by age.

    Where the file is lost, a version has the number in its metadata again, and those of earlier
    releases, which have none, get what is left.
    """
    taken, chosen = set(known.numbers.values()), dict[str, int]()
    waiting = sorted(
        _without_number(known), key=lambda version: descriptions.created_at(tags.to_tag(version))
    )
    for version in () if known.is_whole else waiting:
        if (stored := _stored_number(version)) and stored not in taken:
            chosen[version] = stored
            taken.add(stored)
    following = count(max(taken) + 1 if known.is_whole else 1)
    for version in waiting:
        if version not in chosen:
            chosen[version] = next(number for number in following if number not in taken)
    return dict(sorted(chosen.items(), key=lambda item: item[1]))


def _without_number(known: StoredNumbers) -> list[str]:
    versions = (tags.version_of(tag) for tag in descriptions.stored_tags())
    return [version for version in versions if version not in known.numbers]


def _stored_number(version: str) -> int:
    """Return the number in a version's metadata, 0 if there is none."""
    try:
        text = (tags.folder(tags.to_tag(version)) / "model.yaml").read_text(encoding="utf-8")
    except (OSError, ValueError):  # damaged, or just deleted
        return 0
    found = _STORED_NUMBER.search(text)
    return int(found[1]) if found else 0


def _lock() -> Path:
    return settings.home() / ".version_numbers.lock"
