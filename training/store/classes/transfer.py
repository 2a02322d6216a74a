"""Classes that come from elsewhere: with an archive of corrections, or with a version."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from training.store.classes import changes
from training.store.classes.names import BUILT_IN, InvalidName, clean
from training.store.classes.registry import Registry
from training.store.corrections_schema import CorrectionError


@dataclass
class Imported:
    """What became of imported names: the classes that were added, and why others were not."""

    added: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def exported(connection: Connection) -> dict[str, str]:
    """Return today's name for each name that an own class has or had; "" for deleted ones."""
    labels = Registry(connection).labels()
    return {name: today or "" for name, today in labels.items() if name not in BUILT_IN}


def import_names(connection: Connection, names: Mapping[str, str], actor: str | None) -> Imported:
    """Add the classes that are missing, and former names that mean nothing here.

    `names` has the form of `exported`. A name that a class has or had here goes on to mean it.
    """
    result = Imported()
    known = Registry(connection)
    for name in (name for name, today in names.items() if name == today):
        if known.find(name) is not None:
            continue
        try:
            result.added.append(changes.create(connection, name, actor).name)
        except CorrectionError as error:
            result.problems[name] = str(error)
    known = Registry(connection)
    labels = known.labels()
    for name, today in names.items():
        entry = known.find(today)
        if entry is not None and name not in labels and _is_name(name):
            changes.claim(connection, name, entry.id)
    return result


def _is_name(text: str) -> bool:
    try:
        return clean(text) == text
    except InvalidName:
        return False


def adopt(connection: Connection, names: Iterable[str]) -> list[str]:
    """Add those classes of a version of which nothing was known here; return their names.

    One that was deleted stays so, and so does one that is not possible here.
    """
    known = Registry(connection).labels()
    return import_names(connection, {name: name for name in names if name not in known}, None).added
