"""The classes: those of Fashion-MNIST, which are built in, and those that people add.

They stand in corrections.db with the corrections, so that a class and the labels of its corrections
change together. The name of a class may change; versions of the model know it by former names, and
`resolve` finds it by them.
"""

from collections.abc import Iterable, Mapping

from training.store import corrections_db as db
from training.store.classes import changes as _changes
from training.store.classes import transfer as _transfer
from training.store.classes.changes import MAX_CLASSES, Change, ClassConflict, UnknownChange
from training.store.classes.names import BUILT_IN, MAX_LENGTH, InvalidName, clean, normalize
from training.store.classes.registry import Class, Registry, UnknownClass
from training.store.classes.tables import FASHION_MNIST, OWN
from training.store.classes.transfer import Imported

__all__ = [
    "BUILT_IN",
    "FASHION_MNIST",
    "MAX_CLASSES",
    "MAX_LENGTH",
    "OWN",
    "Change",
    "Class",
    "ClassConflict",
    "Imported",
    "InvalidName",
    "UnknownChange",
    "UnknownClass",
    "adopt",
    "changes",
    "clean",
    "create",
    "delete",
    "exported",
    "import_names",
    "labels",
    "listed",
    "merge",
    "normalize",
    "own",
    "rename",
    "resolve",
    "undo",
]


def listed() -> list[Class]:
    """Return all classes: the built-in ones in the order of Fashion-MNIST, then own ones by age."""
    with db.reading() as connection:
        registry = Registry(connection)
    return [registry.describe(entry) for entry in registry.listed]


def own() -> list[Class]:
    """Return the classes that people have added, the oldest first."""
    return [one for one in listed() if one.origin == OWN]


def resolve(name: str) -> str | None:
    """Return today's name of the class that has or had this name; None if there is none."""
    with db.reading() as connection:
        entry = Registry(connection).find(name)
    return None if entry is None else entry.name


def labels() -> dict[str, str | None]:
    """Return today's name for each name that a class has or had; None for deleted ones."""
    with db.reading() as connection:
        return Registry(connection).labels()


def create(name: str, actor: str | None = None) -> Class:
    """Add a class of this name, see `clean`. Raises InvalidName or ClassConflict."""
    with db.writing() as connection:
        entry = _changes.create(connection, name, actor)
        return Registry(connection).describe(entry)


def rename(name: str, new: str, actor: str | None = None) -> Change:
    """Give an own class, and its corrections, another name.

    Raises UnknownClass, InvalidName or ClassConflict.
    """
    with db.writing() as connection:
        return _changes.rename(connection, name, new, actor)


def merge(name: str, into: str, actor: str | None = None) -> Change:
    """Make the corrections of an own class ones of another class, and the name one of its former.

    Of two corrections of one picture that then have the same label, the accepted or else the older
    one stays. Raises UnknownClass or ClassConflict.
    """
    with db.writing() as connection:
        return _changes.merge(connection, name, into, actor)


def delete(name: str, actor: str | None = None) -> Change:
    """Take an own class and its corrections out of use. Raises UnknownClass or ClassConflict."""
    with db.writing() as connection:
        return _changes.delete(connection, name, actor)


def undo(change_id: int) -> Change:
    """Undo a change: the class and its corrections are as before, but for what happened to single
    corrections since.

    Raises UnknownChange, or ClassConflict when it is undone already, when a later change of the
    same classes is not, or when the name is taken.
    """
    with db.writing() as connection:
        return _changes.undo(connection, change_id)


def changes() -> list[Change]:
    """Return the latest changes that can be undone now, newest first."""
    with db.reading() as connection:
        return _changes.latest(connection)


def exported() -> dict[str, str]:
    """Return today's name for each name that an own class has or had; "" for deleted ones."""
    with db.reading() as connection:
        return _transfer.exported(connection)


def import_names(names: Mapping[str, str], actor: str | None = None) -> Imported:
    """Add the classes of another store, `names` as `exported` returns them, where they are missing.

    A name that a class has or had here goes on to mean it.
    """
    with db.writing() as connection:
        return _transfer.import_names(connection, names, actor)


def adopt(names: Iterable[str]) -> list[str]:
    """Add those classes of a version of which nothing was known here; return their names.

    A version from another machine brings its classes along. One that was deleted here stays so.
    """
    with db.writing() as connection:
        return _transfer.adopt(connection, names)
