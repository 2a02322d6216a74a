"""Changing classes: each change and the labels of corrections in one transaction, and undoing it.

A change that took rows out of use keeps them, and undoing it puts them back. A change is undone
before earlier ones of the same classes, so that everything is then as it was.
"""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Update, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from training.store import corrections_db as db
from training.store import descriptions
from training.store.classes import rows, tables
from training.store.classes.names import clean, skeleton
from training.store.classes.registry import Entry, Registry
from training.store.corrections_schema import CorrectionError

MAX_CLASSES = 50
"""The built-in ones included: each is a label of metrics, and a button on the page."""

_MAX_SHOWN = 20

_Row = Row[*tuple[Any, ...]]


class ClassConflict(CorrectionError):  # noqa: N818 - it says what happened
    """A change does not go with the classes that there are; the message says what to do."""


class UnknownChange(CorrectionError):  # noqa: N818 - it says what happened
    """There is no change with that number."""


@dataclass(frozen=True)
class Change:
    """A change that can be undone. `what` is a sentence, `time` ISO 8601, UTC."""

    id: int
    what: str
    time: str
    actor: str | None


def create(connection: Connection, name: str, actor: str | None) -> Entry:
    """Add a class. Raises InvalidName or ClassConflict."""
    name = clean(name)
    registry = Registry(connection)
    _check_room(registry)
    _check_free(registry, name, None)
    values = {
        "name": name,
        "origin": tables.OWN,
        "created_at": db.now(),
        "actor": actor,
        "state": tables.LISTED,
    }
    number = connection.execute(insert(tables.classes).values(values)).lastrowid
    claim(connection, name, number)
    return Registry(connection).get(number)


def rename(connection: Connection, name: str, new: str, actor: str | None) -> Change:
    """Rename a class. Raises as `create`, or UnknownClass."""
    registry = Registry(connection)
    entry = _own(registry, name, "renamed")
    new = clean(new)
    if new == entry.name:
        raise ClassConflict(f"The class is called {new!r} already. Send another name.")
    _check_free(registry, new, entry)
    connection.execute(_update(entry).values(name=new))
    claim(connection, new, entry.id)
    change = _record(connection, tables.RENAME, entry, None, new, actor)
    rows.relabel(connection, entry.name, new, change)
    return _to_change(_read(connection, change))


def merge(connection: Connection, name: str, into: str, actor: str | None) -> Change:
    """Merge a class into another.

    Of two corrections of one picture that now have the same label, the accepted or else the older
    one stays. Raises UnknownClass or ClassConflict.
    """
    registry = Registry(connection)
    entry, target = _own(registry, name, "merged into another"), registry.find_listed(into)
    if target.id == entry.id:
        raise ClassConflict("A class cannot be merged into itself. Name another one.")
    connection.execute(_update(entry).values(state=tables.MERGED, merged_into=target.id))
    change = _record(connection, tables.MERGE, entry, target, target.name, actor)
    relabelled = rows.relabel(connection, entry.name, target.name, change)
    connection.execute(
        update(tables.changes)
        .where(tables.changes.c.id == change)
        .values(relabelled=json.dumps(relabelled))
    )
    return _to_change(_read(connection, change))


def delete(connection: Connection, name: str, actor: str | None) -> Change:
    """Take a class and its corrections out of use. Raises UnknownClass or ClassConflict."""
    entry = _own(Registry(connection), name, "deleted")
    connection.execute(_update(entry).values(state=tables.DELETED))
    change = _record(connection, tables.DELETE, entry, None, None, actor)
    rows.hide(connection, db.corrections.c.label == entry.name, change)
    return _to_change(_read(connection, change))


def undo(connection: Connection, number: int) -> Change:
    """Undo a change: the class and its corrections are as they were before.

    What happened to corrections since stays. Raises UnknownChange, or ClassConflict when the
    change is undone already, a later one of the same classes is not, or the name is taken.
    """
    change = _read(connection, number)
    if change.undone_at is not None:
        raise ClassConflict("This change is undone already.")
    later = _latest_of_the_same_classes(connection, change)
    if later.id != change.id:
        raise ClassConflict(f"Something was changed since. Undo this first: {_sentence(later)}")
    registry = Registry(connection)
    entry = registry.get(change.class_id)
    _check_not_listed(registry, change.before, entry)
    if change.what != tables.RENAME:
        _check_room(registry)
    back = _update(entry).values(name=change.before, state=tables.LISTED, merged_into=None)
    connection.execute(back)
    claim(connection, change.before, entry.id)
    if change.what == tables.RENAME:
        rows.label_back(connection, change.after, change.before, None)
    elif change.what == tables.MERGE:
        ids = json.loads(change.relabelled)
        rows.label_back(connection, change.after, change.before, ids)
    rows.show(connection, change.id)
    connection.execute(
        update(tables.changes).where(tables.changes.c.id == change.id).values(undone_at=db.now())
    )
    return _to_change(change)


def latest(connection: Connection) -> list[Change]:
    """Return the latest changes that can be undone now, newest first."""
    seen = set[int]()
    found = []
    made = select(tables.changes).where(tables.changes.c.undone_at.is_(None))
    for row in connection.execute(made.order_by(tables.changes.c.id.desc())):
        touched = {row.class_id, row.other_id} - {None}
        if not touched & seen:
            found.append(_to_change(row))
        seen |= touched
        if len(found) == _MAX_SHOWN:
            break
    return found


def _own(registry: Registry, name: str, what: str) -> Entry:
    entry = registry.find_listed(name)
    if entry.origin != tables.OWN:
        raise ClassConflict(f"{name!r} is built in and cannot be {what}. Only own classes can.")
    return entry


def _check_room(registry: Registry) -> None:
    if len(registry.listed) >= MAX_CLASSES:
        raise ClassConflict(
            f"There are {MAX_CLASSES} classes, as many as there can be. Delete or merge one first."
        )


def _check_free(registry: Registry, name: str, owner: Entry | None) -> None:
    """Raise ClassConflict when a name looks like that of another class than `owner`.

    A former name of another class is free if no version knows it: else it would not be clear which
    of the two classes the version means.
    """
    _check_not_listed(registry, name, owner)
    entry = registry.find(name)
    if entry is None or entry == owner:
        return
    if any(name in known for known in descriptions.class_names().values()):
        raise ClassConflict(
            f"Versions of the model know {entry.name!r} as {name!r}. Choose another name."
        )


def _check_not_listed(registry: Registry, name: str, owner: Entry | None) -> None:
    for entry in registry.listed:
        if entry != owner and skeleton(entry.name) == skeleton(name):
            same = "is a class already" if entry.name == name else f"looks like {entry.name!r}"
            raise ClassConflict(f"{name!r} {same}. Use that class, or choose another name.")


def claim(connection: Connection, name: str, class_id: int) -> None:
    """Give a name to a class, also if another one had it before."""
    wanted = insert_or(tables.names).values(name=name, class_id=class_id)
    connection.execute(wanted.on_conflict_do_update(set_={"class_id": class_id}))


def _update(entry: Entry) -> Update:
    return update(tables.classes).where(tables.classes.c.id == entry.id)


def _record(
    connection: Connection,
    what: str,
    entry: Entry,
    target: Entry | None,
    after: str | None,
    actor: str | None,
) -> int:
    count = select(func.count()).where(db.corrections.c.label == entry.name)
    values = {
        "what": what,
        "class_id": entry.id,
        "other_id": None if target is None else target.id,
        "before": entry.name,
        "after": after,
        "corrections": connection.execute(count).scalar_one(),
        "relabelled": "[]",
        "time": db.now(),
        "actor": actor,
    }
    return connection.execute(insert(tables.changes).values(values)).lastrowid


def _latest_of_the_same_classes(connection: Connection, change: _Row) -> _Row:
    touched = [it for it in (change.class_id, change.other_id) if it is not None]
    columns = tables.changes.c
    return connection.execute(
        select(tables.changes)
        .where(
            columns.undone_at.is_(None),
            or_(columns.class_id.in_(touched), columns.other_id.in_(touched)),
        )
        .order_by(columns.id.desc())
        .limit(1)
    ).one()


def _read(connection: Connection, number: int) -> _Row:
    chosen = select(tables.changes).where(tables.changes.c.id == number)
    found = connection.execute(chosen).one_or_none()
    if found is None:
        raise UnknownChange(f"There is no change {number}. GET /classes lists the latest.")
    return found


def _to_change(row: _Row) -> Change:
    return Change(row.id, _sentence(row), row.time, row.actor)


def _sentence(row: _Row) -> str:
    count = row.corrections
    having = "" if not count else f", with {count:,} correction{'' if count == 1 else 's'}"
    what = {
        tables.RENAME: f"was renamed to {row.after}",
        tables.MERGE: f"was merged into {row.after}",
        tables.DELETE: "was deleted",
    }[row.what]
    return f"{row.before} {what}{having}."
