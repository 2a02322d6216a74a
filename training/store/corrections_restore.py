"""Restoring exported corrections."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select

from training.store import corrections_db as db
from training.store.classes.registry import Registry
from training.store.corrections_schema import (
    CONFLICT,
    NEW,
    REVIEW_REQUESTED,
    Correction,
    CorrectionError,
)

_BATCH_SIZE = 500
"""Values in one query."""

_Value = TypeVar("_Value")


def restore(entries: Iterable[Correction]) -> tuple[int, int]:
    """Restore exported rows, all or none.

    Returns how many were added, and how many were there already, which do not change. A row keeps
    its id unless another row has it. A `conflict` becomes new: it is computed. Raises
    CorrectionError when a label is not that of a class any more.
    """
    entries = list(entries)
    added = known = 0
    rows: dict[tuple[str, str | None], dict[str, Any]] = {}  # by picture and label, as `labels`
    with db.writing() as connection:
        taken = _taken_ids(connection, [it.id for it in entries])
        labels = _labels_by_picture(connection, [it.content_hash for it in entries])
        for correction in _relabelled(connection, entries):
            found = labels.setdefault(correction.content_hash, set())
            if correction.state == REVIEW_REQUESTED:
                is_known = bool(found)
            else:
                if None in found:
                    rows.pop((correction.content_hash, None), None)
                    db.remove_review_request(connection, correction.content_hash)
                    found.remove(None)
                is_known = correction.label in found
            if is_known:
                known += 1
                continue
            row = dict(vars(correction))
            if correction.state == CONFLICT:
                row |= {"state": NEW, "reason": None}
            if correction.id < 1 or correction.id in taken:
                del row["id"]
            else:
                taken.add(correction.id)
            label = None if correction.state == REVIEW_REQUESTED else correction.label
            rows[correction.content_hash, label] = row
            found.add(label)
            added += 1
        _insert(connection, rows.values())
    return added, known


def _relabelled(connection: Connection, entries: Sequence[Correction]) -> Iterator[Correction]:
    """The rows with today's names of their labels: classes may have changed since."""
    today = Registry(connection).labels()
    for correction in entries:
        label = today.get(correction.label)
        if label is None:
            raise CorrectionError("A class was deleted meanwhile. Import the archive again.")
        yield replace(correction, label=label)


def _insert(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows: those with an id, then those without one, which get the next ids.

    A statement for each row would take most of an import's time.
    """
    rows = list(rows)
    for has_id in (True, False):
        some = [row for row in rows if ("id" in row) == has_id]
        if some:
            connection.execute(insert(db.corrections), some)


def _taken_ids(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those of the ids that rows have."""
    found = set[int]()
    for some in _batches(ids):
        query = select(db.corrections.c.id).where(db.corrections.c.id.in_(some))
        found.update(connection.execute(query).scalars())
    return found


def _labels_by_picture(
    connection: Connection, pictures: Sequence[str]
) -> dict[str, set[str | None]]:
    """The labels of the pictures with these hashes; None stands for a review request."""
    found: dict[str, set[str | None]] = {}
    columns = (db.corrections.c.content_hash, db.corrections.c.label, db.corrections.c.state)
    for some in _batches(pictures):
        query = select(*columns).where(db.corrections.c.content_hash.in_(some))
        for picture, label, state in connection.execute(query):
            known = None if state == REVIEW_REQUESTED else label
            found.setdefault(picture, set()).add(known)
    return found


def _batches(values: Sequence[_Value]) -> Iterator[Sequence[_Value]]:
    return (values[at : at + _BATCH_SIZE] for at in range(0, len(values), _BATCH_SIZE))
