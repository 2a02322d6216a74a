"""All classes and all their names, as they are within one transaction."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from training.store.classes import tables
from training.store.classes.names import normalize
from training.store.corrections_schema import CorrectionError, UnknownLabel


class UnknownClass(CorrectionError):  # noqa: N818 - it says what happened
    """No class has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no class {name!r}. GET /classes lists them.")


@dataclass(frozen=True)
class Class:
    """A class. `origin` is "fashion-mnist" or "own"; `aliases` are its former names, those
    of classes merged into it included. `created_at` is ISO 8601, UTC, None if it is built in.
    """

    name: str
    origin: str
    created_at: str | None
    actor: str | None
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A row of the table of classes."""

    id: int
    name: str
    origin: str
    created_at: str | None
    actor: str | None
    state: str
    merged_into: int | None


class Registry:
    """Looks names up. It holds what the tables held when it was made."""

    def __init__(self, connection: Connection) -> None:
        ordered = select(tables.classes).order_by(tables.classes.c.id)
        self._entries = {row.id: Entry(**row._mapping) for row in connection.execute(ordered)}
        self._owners: dict[str, int] = {
            row.name: row.class_id
            for row in connection.execute(select(tables.names).order_by(tables.names.c.class_id))
        }
        self._listed = {it.name: it for it in self._entries.values() if it.state == tables.LISTED}

    @property
    def listed(self) -> list[Entry]:
        """The classes that are neither merged nor deleted: the built-in ones, then by age."""
        return list(self._listed.values())

    def get(self, class_id: int) -> Entry:
        """Return the class with this number, whatever its state."""
        return self._entries[class_id]

    def find(self, name: str) -> Entry | None:
        """Return the class that has or had this name, itself or what it was merged into."""
        if name in self._listed:
            return self._listed[name]
        owner = self._owners.get(name)
        return None if owner is None else self._today(owner)

    def find_listed(self, name: str) -> Entry:
        """Return the class that has this name today. Raises UnknownClass."""
        found = self._listed.get(normalize(name))
        if found is None:
            raise UnknownClass(name)
        return found

    def labels(self) -> dict[str, str | None]:
        """Return today's name for each name that a class has or had; None for deleted ones."""
        found = {name: self._today(owner) for name, owner in self._owners.items()}
        former = {name: None if it is None else it.name for name, it in found.items()}
        return former | {name: name for name in self._listed}

    def describe(self, entry: Entry) -> Class:
        """Return a class with its former names."""
        aliases = tuple(
            name for name in self._owners if name not in self._listed and self.find(name) == entry
        )
        return Class(entry.name, entry.origin, entry.created_at, entry.actor, aliases)

    def _today(self, class_id: int) -> Entry | None:
        """The class with this number, or the one that it was merged into; None if deleted."""
        entry = self._entries.get(class_id)
        while entry is not None and entry.merged_into is not None:
            entry = self._entries.get(entry.merged_into)
        return entry if entry is not None and entry.state == tables.LISTED else None


def today(connection: Connection, label: str) -> str | None:
    """Return today's name of the class that has or had this name, None if there is none."""
    label = normalize(label)
    has_name = select(tables.classes.c.name).where(
        tables.classes.c.name == label, tables.classes.c.state == tables.LISTED
    )
    if connection.execute(has_name).first() is not None:
        return label
    entry = Registry(connection).find(label)
    return None if entry is None else entry.name


def label_today(connection: Connection, label: str) -> str:
    """Return today's name of a label. Raises UnknownLabel when no class has or had it."""
    found = today(connection, label)
    if found is None:
        raise UnknownLabel("label", [entry.name for entry in Registry(connection).listed])
    return found
