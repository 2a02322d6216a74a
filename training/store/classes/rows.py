"""The corrections of a class that is renamed, merged or deleted, and of one that is back."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, exists, insert, literal, select, update
from sqlalchemy import delete as delete_from

from training.store import corrections_db as db
from training.store.classes import tables
from training.store.corrections_schema import ACCEPTED, NEW, QUARANTINED, REVIEW_REQUESTED

_BATCH_SIZE = 500

_COLUMNS = [column.name for column in db.corrections.c]
_STRENGTH = {ACCEPTED: 3, NEW: 2, QUARANTINED: 1}
"""Which of two rows of one picture stays when they become one: what a person said last counts."""


def hide(connection: Connection, where: Any, change: int) -> None:
    """Take the rows for which `where` holds out of use, as part of a change."""
    columns = [db.corrections.c[name] for name in _COLUMNS]
    chosen = select(literal(change), *columns).where(where)
    connection.execute(insert(tables.hidden).from_select(["change_id", *_COLUMNS], chosen))
    connection.execute(delete_from(db.corrections).where(where))


def relabel(connection: Connection, label: str, new: str, change: int) -> list[int]:
    """Give all rows with a label another one; return their ids.

    Of two rows of one picture one stays; the other is hidden.
    """
    weaker = _weaker_twins(connection, label, new)
    for some in _batches(weaker):
        hide(connection, db.corrections.c.id.in_(some), change)
    has_label = db.corrections.c.label == label
    ids = list(connection.execute(select(db.corrections.c.id).where(has_label)).scalars())
    connection.execute(update(db.corrections).where(has_label).values(label=new))
    return ids


def label_back(connection: Connection, label: str, former: str, ids: Sequence[int] | None) -> None:
    """Give rows their former label: those with these ids, or all, if they have `label` still."""
    where = [db.corrections.c.label == label]
    for some in [None] if ids is None else _batches(ids):
        chosen = where if some is None else [*where, db.corrections.c.id.in_(some)]
        connection.execute(update(db.corrections).where(*chosen).values(label=former))


def show(connection: Connection, change: int) -> None:
    """Put the rows that a change has hidden back, with their ids where nobody has them.

    A picture that was labelled since needs no review any more.
    """
    mine = tables.hidden.c.change_id == change
    is_request = tables.hidden.c.state == REVIEW_REQUESTED
    labelled = select(tables.hidden.c.content_hash).where(mine, ~is_request)
    connection.execute(
        delete_from(db.corrections).where(
            db.corrections.c.state == REVIEW_REQUESTED, db.corrections.c.content_hash.in_(labelled)
        )
    )
    is_known = exists().where(db.corrections.c.content_hash == tables.hidden.c.content_hash)
    is_stored = is_known.where(db.corrections.c.label == tables.hidden.c.label)
    connection.execute(delete_from(tables.hidden).where(mine, is_request, is_known))
    for names in (_COLUMNS, [name for name in _COLUMNS if name != "id"]):
        columns = [tables.hidden.c[name] for name in names]
        chosen = select(*columns).where(mine, ~is_stored).order_by(tables.hidden.c.id)
        wanted = insert(db.corrections).prefix_with("OR IGNORE").from_select(names, chosen)
        connection.execute(wanted)
    connection.execute(delete_from(tables.hidden).where(mine))


def forget_twins(connection: Connection, content_hash: str) -> None:
    """Remove the rows of a picture that merges have hidden: its correction is deleted."""
    merges = select(tables.changes.c.id).where(tables.changes.c.what == tables.MERGE)
    connection.execute(
        delete_from(tables.hidden).where(
            tables.hidden.c.content_hash == content_hash, tables.hidden.c.change_id.in_(merges)
        )
    )


def _weaker_twins(connection: Connection, label: str, new: str) -> list[int]:
    """Of each two rows of one picture with these labels, the id of the one that is to go."""
    twin = db.corrections.alias("twin")
    both = db.corrections.join(
        twin,
        and_(
            twin.c.content_hash == db.corrections.c.content_hash,
            db.corrections.c.label == label,
            twin.c.label == new,
        ),
    )
    columns = (db.corrections.c.id, db.corrections.c.state, twin.c.id, twin.c.state)
    found = []
    for first, first_state, second, second_state in connection.execute(
        select(*columns).select_from(both)
    ):
        strength = [_STRENGTH.get(first_state, 0), _STRENGTH.get(second_state, 0)]
        if strength[0] == strength[1]:
            found.append(max(first, second))
        else:
            found.append(first if strength[0] < strength[1] else second)
    return found


def _batches(values: Sequence[int]) -> list[Sequence[int]]:
    return [values[at : at + _BATCH_SIZE] for at in range(0, len(values), _BATCH_SIZE)]
