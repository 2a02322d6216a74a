"""The file that keeps the number of every version, also of deleted ones.

WARDROBE_HOME/version_numbers.jsonl has a line a version, never changed. Lines that cannot be read
are left out; the file is then moved away and written anew.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import settings
from training.store import files, tags


@dataclass(frozen=True)
class StoredNumbers:
    """The numbers by version, 1 and up; `damage` says why some may be missing."""

    numbers: Mapping[str, int]
    damage: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has every number that was ever given, as far as one can tell."""
        return bool(self.numbers) and self.damage is None


def path() -> Path:
    """Return the path of the file."""
    return settings.home() / "version_numbers.jsonl"


def read() -> StoredNumbers:
    """Return what the file holds. It is read anew only when it has changed."""
    try:
        status = path().stat()
        return _read(path(), status.st_ino, status.st_mtime_ns, status.st_size)
    except FileNotFoundError:
        return StoredNumbers({})
    except OSError as error:
        reason = "it is a folder" if path().is_dir() else files.error_reason(error)
        return StoredNumbers({}, f"it cannot be read, {reason}")


@lru_cache(maxsize=16)
def _read(file: Path, *_: int) -> StoredNumbers:
    found: dict[str, int] = {}
    taken, damaged = set[int](), 0
    for line in file.read_bytes().splitlines():
        try:
            entry = files.parse_object(line.decode())
            version, number = entry["version"], entry["number"]
            if type(number) is not int or number < 1 or not tags.VERSION.fullmatch(version):
                raise ValueError(line)
        except (files.DamagedFile, ValueError, KeyError, TypeError):
            damaged += bool(line.strip())
            continue
        if version in found or number in taken:
            damaged += 1
        else:
            found[version] = number
            taken.add(number)
    return StoredNumbers(found, f"{damaged} lines cannot be read" if damaged else None)


def append(numbers: Mapping[str, int]) -> None:
    """Write the numbers of further versions. Raises OSError."""
    files.append(path(), _lines(numbers))


def replace(numbers: Mapping[str, int], damage: str) -> None:
    """Write all numbers anew, and keep the damaged file beside it. Raises OSError."""
    files.move_away(path(), damage, "Numbers that it held of deleted versions may be given again.")
    files.replace(path(), "".join(f"{line}\n" for line in _lines(numbers)))


def _lines(numbers: Mapping[str, int]) -> list[str]:
    return [json.dumps({"number": number, "version": it}) for it, number in numbers.items()]
