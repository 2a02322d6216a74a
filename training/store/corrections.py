"""Corrections: what people said that pictures show, in WARDROBE_HOME/corrections.db.

A row is a picture as the network saw it, with one label. SQLite in WAL mode with synchronous=FULL:
what a call has returned is on the disk, however the process ends, and several processes may read
and write at once.

Two rows with the same picture contradict each other, since one picture has one row a label. So
`conflict` is read off the rows and never written: as soon as one of two is deleted or relabelled,
the other one is again what it was.
"""

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    UniqueConstraint,
    case,
    create_engine,
    event,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy import delete as delete_from
from sqlalchemy.dialects.sqlite import insert as insert_or_not
from sqlalchemy.exc import DBAPIError

import settings
from training.model.preprocess import SIDE, Grey
from training.store import locks

NEW, ACCEPTED, CONFLICT, QUARANTINED = "new", "accepted", "conflict", "quarantined"
REVIEW_REQUESTED = "review_requested"
STATES = (NEW, ACCEPTED, CONFLICT, QUARANTINED, REVIEW_REQUESTED)
"""new: kept; accepted: a person looked again and says so; conflict: the same picture has another
label too; quarantined: it looks wrong, `reason` says why. Runs use the first two.
question: nobody has said anything yet, and two versions disagree. What a person says of the same
picture takes its place; until then it is no row of the picture that another could contradict."""

MAX_REVIEW_REQUESTS = 200
"""Open at a time. More is work that nobody does, and pictures that nobody asked us to keep."""

HELD_OUT_OF = 5
"""One correction in so many, chosen by its picture, is never trained on: it measures the rest."""

_SOURCE = re.compile(r"[a-z0-9_-]{1,32}")
_MODEL = re.compile(r"\w[\w.:-]{0,127}", re.ASCII)
_BUSY_SECONDS = 30
_AT_A_TIME = 500
"""Rows that are read in one go when all of them are wanted."""

_rows = Table(
    "corrections",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("content_hash", String, nullable=False),
    Column("label", String, nullable=False),
    Column("predicted", String),
    Column("model", String),
    Column("source", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("picture", LargeBinary, nullable=False),
    UniqueConstraint("content_hash", "label"),
    sqlite_autoincrement=True,  # an id is not given twice
)
_other = _rows.alias("other")
_same_picture = (
    (_other.c.content_hash == _rows.c.content_hash)
    & (_other.c.id != _rows.c.id)
    & (_other.c.state != REVIEW_REQUESTED)
)
_is_disputed = exists().where(_same_picture)
_state = case((_is_disputed, CONFLICT), else_=_rows.c.state)
_other_labels = (
    select(func.group_concat(_other.c.label, ", ")).where(_same_picture).scalar_subquery()
)
_selected = select(
    *(column for column in _rows.c if column.name != "state"),
    _state.label("state"),
    _other_labels.label("other_labels"),
)


class CorrectionError(Exception):
    """What was asked of the store cannot be; the message says why and what to do."""


class StoreUnavailable(CorrectionError):  # noqa: N818 - it says what happened
    """The database is damaged or cannot be written: a full disk, or a file that is none."""


class UnknownCorrection(CorrectionError):  # noqa: N818 - it says what happened
    """There is no correction with that id."""

    def __init__(self, correction_id: int) -> None:
        super().__init__(f"There is no correction {correction_id}. GET /corrections lists them.")


class Disputed(CorrectionError):  # noqa: N818 - it says what happened
    """The same picture has another label too, so neither can be accepted."""


@dataclass(frozen=True)
class LabelSubmission:
    """What is said of a picture: its class, what `model` had `predicted`, and where that was."""

    label: str
    predicted: str | None = None
    model: str | None = None
    source: str = "api"


@dataclass(frozen=True)
class Correction:
    """A row. `created_at` is ISO 8601, UTC; `state` is one of STATES.

    `picture` holds the 784 grey values, row by row, and `content_hash` their SHA-256 in hex. With
    `label` it names a correction wherever it is; `id` does so in one store only.
    """

    id: int
    content_hash: str
    label: str
    predicted: str | None
    model: str | None
    source: str
    created_at: str
    state: str
    reason: str | None
    picture: bytes

    @property
    def pixels(self) -> Grey:
        """The picture as uint8 (28, 28), read-only."""
        return np.frombuffer(self.picture, np.uint8).reshape(SIDE, SIDE)

    @property
    def held_out(self) -> bool:
        """Whether it is never trained on. Two rows of one picture agree about it."""
        return is_held_out(self.content_hash)


@dataclass(frozen=True)
class Usable:
    """The N corrections that a run may use, oldest first; those held out are for measuring.

    `ids` int64 (N,); `images` uint8 (N, 28, 28); `labels` int64 (N,), the classes' numbers;
    `held_out` and `accepted` bool (N,); `created_at` float64 (N,), Unix seconds; the lists hold N
    strings each, `predicted` None where it is not known.
    """

    ids: npt.NDArray[np.int64]
    images: Grey
    labels: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.bool_]
    accepted: npt.NDArray[np.bool_]
    created_at: npt.NDArray[np.float64]
    content_hashes: list[str]
    predicted: list[str | None]
    sources: list[str]


def path() -> Path:
    """Where the store is."""
    return settings.home() / "corrections.db"


def content_hash(picture: bytes) -> str:
    """What a picture's 784 bytes are known by: their SHA-256 in hex."""
    return hashlib.sha256(picture).hexdigest()


def is_held_out(content_hash: str) -> bool:
    """Whether a picture is one of those never trained on."""
    return int(content_hash[:8], 16) % HELD_OUT_OF == 0


def parse_submission(
    fields: Mapping[str, str | None], class_names: Sequence[str]
) -> LabelSubmission:
    """A claim from the texts of a form or a table; an empty one counts as not given.

    Raises CorrectionError naming the field that cannot be.
    """
    known = ", ".join(class_names)
    if not fields.get("label"):
        raise CorrectionError(f"'label' is missing. Name a class: {known}.")
    for field in ("label", "predicted"):
        value = fields.get(field)
        if value and value not in class_names:
            raise CorrectionError(f"'{field}' is no class that is known. Known are {known}.")
    model, source = fields.get("model") or None, fields.get("source") or "api"
    if model is not None and not _MODEL.fullmatch(model):
        raise CorrectionError("'model' is the tag of a version, as /classify tells it.")
    if not _SOURCE.fullmatch(source):
        raise CorrectionError("'source' is a word of small letters and digits, such as pad.")
    return LabelSubmission(str(fields["label"]), fields.get("predicted") or None, model, source)


def add(picture: Grey, claim: LabelSubmission) -> tuple[Correction, bool]:
    """Keep what is said of a picture, uint8 (28, 28). Returns its row, and whether it is a new one.

    The same picture with the same label is the row that is there. Once this has returned, it is
    on the disk.
    """
    row = _row(picture, claim)
    with _writing() as connection:
        _answer_question(connection, row["content_hash"])
        wanted = insert_or_not(_rows).values(row).on_conflict_do_nothing()
        inserted = connection.execute(wanted).rowcount == 1
        [correction] = _read(
            connection,
            _rows.c.content_hash == row["content_hash"],
            _rows.c.label == claim.label,
        )
    return correction, inserted


def request_review(questions: Iterable[tuple[Grey, LabelSubmission, str]]) -> int:
    """Keep pictures, uint8 (28, 28), for a person to say what they show; with a reason, a sentence.

    The claim holds what was answered, as label too. A picture of which there is a row is left out,
    and so is everything beyond MAX_REVIEW_REQUESTS. Returns how many were kept.
    """
    kept = 0
    with _writing() as connection:
        is_open = select(func.count()).where(_rows.c.state == REVIEW_REQUESTED)
        room = MAX_REVIEW_REQUESTS - connection.execute(is_open).scalar_one()
        for picture, claim, reason in questions:
            row = _row(picture, claim)
            if kept < room and not _is_known(connection, row["content_hash"]):
                row |= {"state": REVIEW_REQUESTED, "reason": reason}
                connection.execute(insert(_rows).values(row))
                kept += 1
    return kept


def restore(entries: Iterable[Correction]) -> tuple[int, int]:
    """Take rows back as they were, all or none.

    Returns how many were added, and how many were there already, which stay as they are. A row
    keeps its id unless another one has it. A `conflict` becomes new: whether it is one shows.
    """
    added = known = 0
    with _writing() as connection:
        taken = set(connection.execute(select(_rows.c.id)).scalars())
        claims = select(_rows.c.content_hash, _rows.c.label).where(
            _rows.c.state != REVIEW_REQUESTED
        )
        claimed = {tuple(pair) for pair in connection.execute(claims)}
        for correction in entries:
            what = (correction.content_hash, correction.label)
            if correction.state == REVIEW_REQUESTED:
                is_known = _is_known(connection, correction.content_hash)
            else:
                _answer_question(connection, correction.content_hash)
                is_known = what in claimed
            if is_known:
                known += 1
                continue
            row = dict(vars(correction))
            if correction.state == CONFLICT:
                row |= {"state": NEW, "reason": None}
            if correction.id < 1 or correction.id in taken:
                del row["id"]
            wanted = insert(_rows).values(row).returning(_rows.c.id)
            taken.add(connection.execute(wanted).scalar_one())
            claimed.add(what)
            added += 1
    return added, known


def get(correction_id: int) -> Correction:
    """One row. Raises UnknownCorrection."""
    with _reading() as connection:
        return _one(connection, correction_id)


def page(
    *, state: str | None = None, label: str | None = None, after: int = 0, limit: int = 50
) -> list[Correction]:
    """At most `limit` rows, newest first; with `after`, those after the row with that id."""
    with _reading() as connection:
        where = _filter(state, label) + ([_rows.c.id < after] if after else [])
        return _read(connection, *where, limit=limit)


def counts(*, label: str | None = None) -> dict[str, int]:
    """How many rows are in each state, of all labels or of one."""
    with _reading() as connection:
        found = connection.execute(
            select(_state, func.count()).where(*_filter(None, label)).group_by(_state)
        )
        by_state = {str(state): int(count) for state, count in found}
    return {state: by_state.get(state, 0) for state in STATES}


def each() -> Iterator[Correction]:
    """Every row, oldest first.

    They are read some at a time, so that nobody is held up: a change meanwhile may show or not.
    """
    after = 0
    while True:
        with _reading() as connection:
            later = _selected.where(_rows.c.id > after).order_by(_rows.c.id).limit(_AT_A_TIME)
            found = [_correction(row) for row in connection.execute(later)]
        yield from found
        if len(found) < _AT_A_TIME:
            return
        after = found[-1].id


def relabel(correction_id: int, label: str) -> Correction:
    """Give a row another label. It is new again, and a reason why it was set aside is forgotten.
    A question is answered by the label that it has, too.

    If the same picture has a row with that label, the two become one: that one, which is
    returned. Raises UnknownCorrection.
    """
    with _writing() as connection:
        correction = _one(connection, correction_id)
        if correction.label == label and correction.state != REVIEW_REQUESTED:
            return correction
        twin = _read(
            connection,
            _rows.c.content_hash == correction.content_hash,
            _rows.c.label == label,
            _rows.c.id != correction_id,
        )
        if twin:
            connection.execute(delete_from(_rows).where(_rows.c.id == correction_id))
            return _one(connection, twin[0].id)
        connection.execute(
            update(_rows)
            .where(_rows.c.id == correction_id)
            .values(label=label, state=NEW, reason=None)
        )
        return _one(connection, correction_id)


def accept(correction_id: int) -> Correction:
    """Let a row be used, whatever it looks like: a person says so.

    Raises UnknownCorrection, or Disputed while the same picture has another label too.
    """
    with _writing() as connection:
        correction = _one(connection, correction_id)
        if correction.state == CONFLICT:
            raise Disputed(f"{correction.reason} Delete or relabel one of them first.")
        connection.execute(
            update(_rows).where(_rows.c.id == correction_id).values(state=ACCEPTED, reason=None)
        )
        return _one(connection, correction_id)


def delete(correction_id: int) -> None:
    """Remove a row and its picture. Raises UnknownCorrection."""
    with _writing() as connection:
        removed = connection.execute(delete_from(_rows).where(_rows.c.id == correction_id))
        if removed.rowcount == 0:
            raise UnknownCorrection(correction_id)


def quarantine(reasons: Mapping[int, str]) -> list[int]:
    """Keep rows from being used, each for its reason, a sentence, by id; all in one step.

    Only new ones: what a person has accepted stays. Returns the ids of those set aside.
    """
    with _writing() as connection:
        return [
            correction_id
            for correction_id, reason in reasons.items()
            if connection.execute(
                update(_rows)
                .where(_rows.c.id == correction_id, _rows.c.state == NEW)
                .values(state=QUARANTINED, reason=reason)
            ).rowcount
        ]


def usable(class_names: Sequence[str]) -> Usable:
    """What a run may train on or hold out: new and accepted rows whose label is a class."""
    with _reading() as connection:
        rows = connection.execute(
            select(_rows)
            .where(
                _rows.c.state.in_((NEW, ACCEPTED)),
                ~_is_disputed,
                _rows.c.label.in_(class_names),
            )
            .order_by(_rows.c.id)
        ).all()
    number = {name: index for index, name in enumerate(class_names)}
    pixels = np.frombuffer(b"".join(row.picture for row in rows), np.uint8)
    return Usable(
        ids=np.array([row.id for row in rows], np.int64),
        images=pixels.reshape(-1, SIDE, SIDE).copy(),  # the caller's own: bytes are read-only
        labels=np.array([number[row.label] for row in rows], np.int64),
        held_out=np.array([is_held_out(row.content_hash) for row in rows], np.bool_),
        accepted=np.array([row.state == ACCEPTED for row in rows], np.bool_),
        created_at=np.array(
            [datetime.fromisoformat(row.created_at).timestamp() for row in rows], np.float64
        ),
        content_hashes=[row.content_hash for row in rows],
        predicted=[row.predicted for row in rows],
        sources=[row.source for row in rows],
    )


def _row(picture: Grey, claim: LabelSubmission) -> dict[str, Any]:
    content = _content(picture)
    return {
        "content_hash": content_hash(content),
        **vars(claim),
        "created_at": _now(),
        "state": NEW,
        "picture": content,
    }


def _is_known(connection: Connection, picture: str) -> bool:
    """Whether there is a row of the picture with this hash."""
    known = connection.execute(select(_rows.c.id).where(_rows.c.content_hash == picture).limit(1))
    return known.first() is not None


def _answer_question(connection: Connection, picture: str) -> None:
    """What a person says of a picture takes the place of a question about it."""
    connection.execute(
        delete_from(_rows).where(_rows.c.content_hash == picture, _rows.c.state == REVIEW_REQUESTED)
    )


def _content(picture: Grey) -> bytes:
    if picture.shape != (SIDE, SIDE) or picture.dtype != np.uint8:
        raise ValueError(f"uint8 (28, 28) expected, not {picture.dtype} {picture.shape}")
    return picture.tobytes()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _filter(state: str | None, label: str | None) -> list[Any]:
    wanted = [] if label is None else [_rows.c.label == label]
    if state == CONFLICT:
        return [*wanted, _is_disputed]
    return wanted if state is None else [*wanted, _rows.c.state == state, ~_is_disputed]


def _correction(row: Row[*tuple[Any, ...]]) -> Correction:
    values = dict(row._mapping)
    other_labels = values.pop("other_labels")
    if other_labels is not None:
        values["reason"] = f"The same picture is also labelled {other_labels}."
    return Correction(**values)


def _read(connection: Connection, *where: Any, limit: int | None = None) -> list[Correction]:
    """The rows for which all of `where` holds, newest first."""
    query = _selected.where(*where).order_by(_rows.c.id.desc()).limit(limit)
    return [_correction(row) for row in connection.execute(query)]


def _one(connection: Connection, correction_id: int) -> Correction:
    found = _read(connection, _rows.c.id == correction_id)
    if not found:
        raise UnknownCorrection(correction_id)
    return found[0]


def _reading() -> AbstractContextManager[Connection]:
    return _transaction(takes_the_pen=False)


def _writing() -> AbstractContextManager[Connection]:
    """A transaction that has the only pen from its beginning: what it reads stays true."""
    return _transaction(takes_the_pen=True)


@contextmanager
def _transaction(*, takes_the_pen: bool) -> Iterator[Connection]:
    try:
        with _engine(path()).execution_options(takes_the_pen=takes_the_pen).begin() as connection:
            yield connection
    except (DBAPIError, sqlite3.Error, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise StoreUnavailable(
            f"The corrections in {path()} cannot be read or written: {reason}. "
            "Look at that file and at the space on its disk."
        ) from error


@cache
def _engine(file: Path) -> Engine:
    """The store at this path, made if there is none."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    # One process at a time: SQLite does not wait while another one changes to WAL.
    with locks.locked(file.parent / f".{file.name}.lock"):
        with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as outside_of_transactions:
            outside_of_transactions.execute("PRAGMA journal_mode=WAL")
        with engine.execution_options(takes_the_pen=True).begin() as connection:
            _rows.metadata.create_all(connection)
    return engine


def _set_up(connection: Any, _: object) -> None:
    connection.isolation_level = None  # Python's sqlite3 would begin transactions too late
    connection.execute("PRAGMA synchronous=FULL").close()


def _begin(connection: Connection) -> None:
    pen = connection.get_execution_options().get("takes_the_pen")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if pen else "BEGIN")
