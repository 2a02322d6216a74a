"""Corrections: the classes that people gave to pictures, in WARDROBE_HOME/corrections.db.

A row is a preprocessed picture, with one label. Once a call has returned, its
change is on the disk.

Two rows with the same picture contradict each other, since one picture has one row per label. So
`conflict` is computed from the rows and never stored: as soon as one of two is deleted or
relabelled, the other has its former state again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.dialects.sqlite import insert as insert_or_not

from training.model.preprocess import SIDE, Grey
from training.store import corrections_db as db
from training.store.classes import registry, rows
from training.store.corrections_db import path
from training.store.corrections_restore import restore
from training.store.corrections_schema import (
    ACCEPTED,
    CONFLICT,
    HELD_OUT_OF,
    NEW,
    QUARANTINED,
    REVIEW_REQUESTED,
    STATES,
    Correction,
    CorrectionError,
    Disputed,
    LabelSubmission,
    StoreUnavailable,
    UnknownCorrection,
    UnknownLabel,
    Usable,
    content_hash,
    is_held_out,
    parse_submission,
)

__all__ = [
    "ACCEPTED",
    "CONFLICT",
    "HELD_OUT_OF",
    "MAX_REVIEW_REQUESTS",
    "NEW",
    "QUARANTINED",
    "REVIEW_REQUESTED",
    "STATES",
    "Correction",
    "CorrectionError",
    "Disputed",
    "LabelSubmission",
    "StoreUnavailable",
    "UnknownCorrection",
    "UnknownLabel",
    "Usable",
    "accept",
    "add",
    "content_hash",
    "counts",
    "delete",
    "each",
    "get",
    "is_held_out",
    "page",
    "parse_submission",
    "path",
    "quarantine",
    "relabel",
    "request_review",
    "restore",
    "usable",
    "usable_counts",
]

MAX_REVIEW_REQUESTS = 200
"""Open at a time. Nobody reviews more, and pictures are not stored without a need."""

_BATCH_SIZE = 500
"""Rows that are read at a time when all of them are wanted."""


def add(
    picture: Grey, submission: LabelSubmission, actor: str | None = None
) -> tuple[Correction, bool]:
    """Store the label of a picture, uint8 (28, 28). Returns its row and whether it is new.

    The same picture with the same label has one row. A review request for the picture is removed.
    The label may be a former name of a class. Raises UnknownLabel.
    """
    row = _row(picture, submission) | {"actor": actor}
    with db.writing() as connection:
        row["label"] = registry.label_today(connection, submission.label)
        db.remove_review_request(connection, row["content_hash"])
        wanted = insert_or_not(db.corrections).values(row).on_conflict_do_nothing()
        inserted = connection.execute(wanted).rowcount == 1
        [correction] = db.read(
            connection,
            db.corrections.c.content_hash == row["content_hash"],
            db.corrections.c.label == row["label"],
        )
    return correction, inserted


def request_review(requests: Iterable[tuple[Grey, LabelSubmission, str]]) -> int:
    """Store pictures, uint8 (28, 28), for a person to label, each with a reason, a sentence.

    The submission's label is the prediction. A picture that has a row is left out, and so are
    everything beyond MAX_REVIEW_REQUESTS and predictions of a deleted class. Returns how many were
    stored.
    """
    kept = 0
    with db.writing() as connection:
        is_open = select(func.count()).where(db.corrections.c.state == REVIEW_REQUESTED)
        room = MAX_REVIEW_REQUESTS - connection.execute(is_open).scalar_one()
        for picture, submission, reason in requests:
            row = _row(picture, submission)
            label = registry.today(connection, submission.label)
            if kept < room and label and not _is_known(connection, row["content_hash"]):
                row |= {"label": label, "state": REVIEW_REQUESTED, "reason": reason}
                connection.execute(insert(db.corrections).values(row))
                kept += 1
    return kept


def get(correction_id: int) -> Correction:
    """Return one row. Raises UnknownCorrection."""
    with db.reading() as connection:
        return db.read_one(connection, correction_id)


def page(
    *, state: str | None = None, label: str | None = None, after: int = 0, limit: int = 50
) -> list[Correction]:
    """Return at most `limit` rows, newest first; with `after`, those older than that id."""
    with db.reading() as connection:
        where = _filter(state, label) + ([db.corrections.c.id < after] if after else [])
        return db.read(connection, *where, limit=limit)


def counts(*, label: str | None = None) -> dict[str, int]:
    """Count the rows in each state, of all labels or of one."""
    with db.reading() as connection:
        found = connection.execute(
            select(db.state, func.count()).where(*_filter(None, label)).group_by(db.state)
        )
        by_state = {str(state): int(count) for state, count in found}
    return {state: by_state.get(state, 0) for state in STATES}


def each() -> Iterator[Correction]:
    """Iterate over all rows, oldest first.

    Rows are read in batches, so that writers need not wait: a change meanwhile may show or not.
    """
    after = 0
    while True:
        with db.reading() as connection:
            later = (
                db.selected.where(db.corrections.c.id > after)
                .order_by(db.corrections.c.id)
                .limit(_BATCH_SIZE)
            )
            found = [db.to_correction(row) for row in connection.execute(later)]
        yield from found
        if len(found) < _BATCH_SIZE:
            return
        after = found[-1].id


def relabel(correction_id: int, label: str, actor: str | None = None) -> Correction:
    """Give a row another label. Its state is new again, and the reason of a quarantine is removed.

    A review request becomes a correction, also with the label it has. If the same picture has a
    row with that label, the two become one: that row, which is returned. The label may be a former
    name of a class. Raises UnknownCorrection or UnknownLabel.
    """
    with db.writing() as connection:
        correction = db.read_one(connection, correction_id)
        label = registry.label_today(connection, label)
        if correction.label == label and correction.state != REVIEW_REQUESTED:
            return correction
        twin = db.read(
            connection,
            db.corrections.c.content_hash == correction.content_hash,
            db.corrections.c.label == label,
            db.corrections.c.id != correction_id,
        )
        if twin:
            connection.execute(
                delete_from(db.corrections).where(db.corrections.c.id == correction_id)
            )
            return db.read_one(connection, twin[0].id)
        connection.execute(
            update(db.corrections)
            .where(db.corrections.c.id == correction_id)
            .values(label=label, state=NEW, reason=None, actor=actor)
        )
        return db.read_one(connection, correction_id)


def accept(correction_id: int, actor: str | None = None) -> Correction:
    """Accept a row, on a person's word: runs use it, even if it looks wrong.

    Raises UnknownCorrection, or Disputed while the same picture has another label too.
    """
    with db.writing() as connection:
        correction = db.read_one(connection, correction_id)
        if correction.state == CONFLICT:
            raise Disputed(f"{correction.reason} Delete or relabel one of them first.")
        connection.execute(
            update(db.corrections)
            .where(db.corrections.c.id == correction_id)
            .values(state=ACCEPTED, reason=None, actor=actor)
        )
        return db.read_one(connection, correction_id)


def delete(correction_id: int) -> None:
    """Remove a row and its picture. Raises UnknownCorrection."""
    with db.writing() as connection:
        correction = db.read_one(connection, correction_id)
        connection.execute(delete_from(db.corrections).where(db.corrections.c.id == correction_id))
        rows.forget_twins(connection, correction.content_hash)


def quarantine(reasons: Mapping[int, str], cleared: Iterable[int] = ()) -> list[int]:
    """Quarantine rows: runs do not use them. `reasons` holds a sentence for each id.

    Those `cleared`, which were quarantined, are new again. All change in one transaction; accepted
    rows stay. Returns the ids that are quarantined now.
    """
    state = db.corrections.c.state
    with db.writing() as connection:
        for correction_id in cleared:
            connection.execute(
                update(db.corrections)
                .where(db.corrections.c.id == correction_id, state == QUARANTINED)
                .values(state=NEW, reason=None)
            )
        return [
            correction_id
            for correction_id, reason in reasons.items()
            if connection.execute(
                update(db.corrections)
                .where(db.corrections.c.id == correction_id, state.in_((NEW, QUARANTINED)))
                .values(state=QUARANTINED, reason=reason)
            ).rowcount
        ]


def usable(class_names: Sequence[str], *, with_quarantined: bool = False) -> Usable:
    """Return the corrections for a run: new and accepted rows whose label is one of the classes."""
    states = (NEW, ACCEPTED, QUARANTINED) if with_quarantined else (NEW, ACCEPTED)
    with db.reading() as connection:
        rows = connection.execute(
            select(db.corrections)
            .where(
                db.corrections.c.state.in_(states),
                ~db.is_disputed,
                db.corrections.c.label.in_(class_names),
            )
            .order_by(db.corrections.c.id)
        ).all()
    number = {name: index for index, name in enumerate(class_names)}
    pixels = np.frombuffer(b"".join(row.picture for row in rows), np.uint8)
    return Usable(
        ids=np.array([row.id for row in rows], np.int64),
        images=pixels.reshape(-1, SIDE, SIDE).copy(),  # the caller's own: bytes are read-only
        labels=np.array([number[row.label] for row in rows], np.int64),
        held_out=np.array([is_held_out(row.content_hash) for row in rows], np.bool_),
        accepted=np.array([row.state == ACCEPTED for row in rows], np.bool_),
        quarantined=np.array([row.state == QUARANTINED for row in rows], np.bool_),
        created_at=np.array(
            [datetime.fromisoformat(row.created_at).timestamp() for row in rows], np.float64
        ),
        content_hashes=[row.content_hash for row in rows],
        predicted=[row.predicted for row in rows],
        sources=[row.source for row in rows],
    )


def usable_counts() -> dict[str, tuple[int, int]]:
    """Count the corrections that a run may use by label, and those of them that are held out."""
    with db.reading() as connection:
        found = connection.execute(
            select(db.corrections.c.label, func.count(), func.sum(db.held_out))
            .where(db.corrections.c.state.in_((NEW, ACCEPTED)), ~db.is_disputed)
            .group_by(db.corrections.c.label)
        )
        return {label: (int(count), int(held_out)) for label, count, held_out in found}


def _row(picture: Grey, submission: LabelSubmission) -> dict[str, Any]:
    content = _content(picture)
    return {
        "content_hash": content_hash(content),
        **vars(submission),
        "created_at": db.now(),
        "state": NEW,
        "picture": content,
    }


def _is_known(connection: Connection, picture: str) -> bool:
    """Whether there is a row of the picture with this hash."""
    known = connection.execute(
        select(db.corrections.c.id).where(db.corrections.c.content_hash == picture).limit(1)
    )
    return known.first() is not None


def _content(picture: Grey) -> bytes:
    if picture.shape != (SIDE, SIDE) or picture.dtype != np.uint8:
        raise ValueError(f"uint8 (28, 28) expected, not {picture.dtype} {picture.shape}")
    return picture.tobytes()


def _filter(state: str | None, label: str | None) -> list[Any]:
    wanted = [] if label is None else [db.corrections.c.label == label]
    if state == CONFLICT:
        return [*wanted, db.is_disputed]
    return wanted if state is None else [*wanted, db.corrections.c.state == state, ~db.is_disputed]
