"""The versions' descriptions, and whether their files are whole."""

import contextlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

import settings
from training.store import files, promotions, tags
from training.store.tags import MODEL_NAME

WEIGHTS, ESTIMATOR, REPORT = "weights.pt", "accuracy_estimator.pt", "report.json"
FAMILIARITY, EXAMPLES = "familiarity.pt", "examples.pt"
"""The files of a version; only the weights must be there."""

_NOT_SERVED = {REPORT, EXAMPLES}
"""Files without which a version is served all the same: whoever reads them checks them."""

CHECKSUMS = "sha256"
"""Of a version's metadata: the SHA-256 of each file, in hex, by name."""


_PLAIN_NAMES = re.compile(r"^  class_names:\n((?:  - [A-Za-z][A-Za-z0-9 /&+.()'-]*\n)+)  \w", re.M)
"""The names in a model.yaml when all are plain words: parsing the whole file takes longer."""

_CREATED = re.compile(r"^creation_time: '?([^'\n]+)'?$", re.MULTILINE)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # 30 times as fast

_class_names: dict[Path, tuple[str, ...]] = {}


class ModelError(Exception):
    """A version is missing, incomplete or cannot be loaded; the message says which and why."""


class DamagedVersion(ModelError):  # noqa: N818 - it says what happened
    """A version is there, but its files are damaged or do not belong together."""

    def __init__(self, tag: str, reason: str) -> None:
        super().__init__(
            f"{tag} is damaged: {reason}. Restore its folder from a copy, or delete it and train "
            "again."
        )


@dataclass(frozen=True)
class Version:
    """A version's description, as the store keeps it. `created_at` is ISO 8601, UTC.

    `error` says what is damaged and what to do; then labels and metadata are empty. `verified`:
    its files have the checksums that were stored with it. A version of an earlier release has none.
    """

    tag: str
    created_at: str
    labels: dict[str, str]
    metadata: dict[str, Any]
    size_bytes: int
    verified: bool = False
    error: str | None = None

    @property
    def version(self) -> str:
        """The tag's second half."""
        return tags.version_of(self.tag)


def is_stored(tag: str) -> bool:
    """Whether there is such a version, readable or not. Raises ModelError as `describe` does."""
    return folder(tag).is_dir()


def describe(tag: str) -> Version:
    """A version's labels and metadata. Raises ModelError when it is not in the store, or damaged.

    Its files are read again only when they have changed.
    """
    if not is_stored(tag):
        if folder(tag).exists():
            raise DamagedVersion(tag, "its folder is a file")
        raise ModelError(f"There is no version {tag} in the model store.")
    try:
        version = _description(tag)
    # A damaged file makes the parser and BentoML raise nearly anything.
    except Exception as error:
        raise DamagedVersion(tag, f"its description, model.yaml, {_reason(error)}") from error
    _check_files(version)
    return version


def _description(tag: str) -> Version:
    path = folder(tag) / "model.yaml"
    status = path.stat()
    found = _parse(path, status.st_ino, status.st_mtime_ns, status.st_size)
    metadata, created_at = found["metadata"], _time(str(found["creation_time"]))
    names = metadata["class_names"]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError("class_names")
    if not isinstance(metadata["network"], str):
        raise TypeError("network")
    if not isinstance(metadata.get(CHECKSUMS, {}), dict):
        raise TypeError(CHECKSUMS)
    return Version(
        tag=tag,
        created_at=created_at.isoformat(),
        labels=dict(found["labels"]),
        metadata=dict(metadata),
        size_bytes=_size(folder(tag)),
        verified=CHECKSUMS in metadata,
    )


@lru_cache(maxsize=4096)
def _parse(path: Path, *_: int) -> dict[str, Any]:
    """The content of a model.yaml, read anew only when it has changed."""
    found = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - it is a safe one
    json.dumps(found["metadata"], ensure_ascii=False, allow_nan=False).encode()  # sent as JSON
    return dict(found)


def created_at(tag: str) -> datetime:
    """When a version was stored; of a damaged one, when its folder was changed last."""
    path = folder(tag) / "model.yaml"
    try:
        status = path.stat()
        return _created_at(path, status.st_ino, status.st_mtime_ns, status.st_size)
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            return datetime.fromtimestamp(folder(tag).stat().st_mtime, UTC)
        return datetime.fromtimestamp(0, UTC)  # deleted meanwhile


@lru_cache(maxsize=4096)
def _created_at(path: Path, *_: int) -> datetime:
    found = _CREATED.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(path)
    return _time(found[1])


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.astimezone(time.tzinfo or UTC)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "is missing"
    if isinstance(error, OSError):
        return f"cannot be read ({files.error_reason(error)})"
    return f"cannot be understood ({type(error).__name__})"


def _check_files(version: Version) -> None:
    """Raise DamagedVersion when a file that is needed to serve is missing or not as stored."""
    checksums = version.metadata.get(CHECKSUMS, {})
    for name in {WEIGHTS, *checksums} - _NOT_SERVED:
        try:
            found = files.sha256(folder(version.tag) / name)
        except FileNotFoundError:
            raise DamagedVersion(version.tag, f"{name} is missing") from None
        except OSError as error:
            reason = f"{name} cannot be read ({files.error_reason(error)})"
            raise DamagedVersion(version.tag, reason) from error
        if found != checksums.get(name, found):
            raise DamagedVersion(version.tag, f"{name} is not the file that was stored")


def report(tag: str) -> dict[str, Any] | None:
    """Return the gate's report on a version, or None if there is none.

    Raises ModelError when the version is not in the store, DamagedVersion when the report is.
    """
    checksum = describe(tag).metadata.get(CHECKSUMS, {}).get(REPORT)
    path = folder(tag) / REPORT
    try:
        found = files.read_object(path)
        if checksum is not None and files.sha256(path) != checksum:
            raise files.DamagedFile("it is not the file that was stored")
    except FileNotFoundError:
        if checksum is None:
            return None
        raise DamagedVersion(tag, f"{REPORT} is missing; the version itself is whole") from None
    except files.DamagedFile as error:
        reason = f"{REPORT} cannot be used, {error}; the version itself is whole"
        raise DamagedVersion(tag, reason) from error
    return found


def list_versions(offset: int = 0, limit: int | None = None) -> list[Version]:
    """Every version, newest first, or at most `limit` of them; a damaged one with `error`."""
    newest = sorted(stored_tags(), key=created_at, reverse=True)
    found = []
    for tag in newest[offset:] if limit is None else newest[offset : offset + limit]:
        try:
            found.append(describe(tag))
        except DamagedVersion as error:
            files.log_once(str(error))
            found.append(damaged(tag, str(error)))
        except ModelError:  # deleted meanwhile
            continue
    return found


def stored_tags() -> list[str]:
    """Return the tags of all versions that have a folder, by name."""
    store = settings.home() / "models" / MODEL_NAME
    try:
        names = sorted(entry.name for entry in store.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [
        tags.to_tag(name)
        for name in names
        if name != "latest" and files.DAMAGED not in name and tags.VERSION.fullmatch(name)
    ]


def class_names() -> dict[str, tuple[str, ...]]:
    """Return the classes of each version, by tag; those that cannot be read are left out.

    Each version is read once: it never changes.
    """
    found = {}
    for tag in stored_tags():
        path = folder(tag)
        if path not in _class_names:
            try:
                _class_names[path] = _read_class_names(tag)
            # A damaged file makes the parser and BentoML raise nearly anything.
            except Exception:  # noqa: S112 - GET /models says what is wrong with it
                continue
        found[tag] = _class_names[path]
    return found


def _read_class_names(tag: str) -> tuple[str, ...]:
    text = (folder(tag) / "model.yaml").read_text(encoding="utf-8")
    if plain := _PLAIN_NAMES.search(text):
        return tuple(line.removeprefix("  - ") for line in plain[1].splitlines())
    return tuple(_description(tag).metadata["class_names"])


def damaged(tag: str, error: str) -> Version:
    """A version of which nothing is known but what is wrong with it."""
    return Version(tag, created_at(tag).isoformat(), {}, {}, _size(folder(tag)), error=error)


def _size(path: Path) -> int:
    with contextlib.suppress(OSError), os.scandir(path) as entries:  # a version has no folders
        return sum(it.stat().st_size for it in entries if it.is_file())
    return 0


def describe_champion() -> Version:
    """Describe the champion or, if it is damaged, the newest one before it that is whole.

    Raises ModelError when there is none.
    """
    tag = promotions.champion()
    if tag is None:
        raise ModelError("There is no live version.")
    try:
        return describe(tag)
    except ModelError:
        for earlier in promotions.former_champions(tag):
            with contextlib.suppress(ModelError):
                return describe(earlier)
        raise


def folder(tag: str) -> Path:
    """Where a version lies. Raises ModelError for a tag that is no tag of ours."""
    if not tags.is_tag(tag):
        raise ModelError(f"{tag!r} is not a version of {MODEL_NAME}.")
    return tags.folder(tag)
