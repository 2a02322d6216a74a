"""The database of corrections: its table, transactions and queries.

SQLite in WAL mode with synchronous=FULL: what a transaction has committed is on the disk, however
the process ends, and several processes may read and write at once.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

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
    delete,
    event,
    exists,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError

import settings
from training.store import locks
from training.store.corrections_schema import (
    CONFLICT,
    REVIEW_REQUESTED,
    Correction,
    StoreUnavailable,
    UnknownCorrection,
)

_BUSY_SECONDS = 30

corrections = Table(
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
_other = corrections.alias("other")
_same_picture = (
    (_other.c.content_hash == corrections.c.content_hash)
    & (_other.c.id != corrections.c.id)
    & (_other.c.state != REVIEW_REQUESTED)
)
is_disputed = exists().where(_same_picture)
state = case((is_disputed, CONFLICT), else_=corrections.c.state)
_other_labels = (
    select(func.group_concat(_other.c.label, ", ")).where(_same_picture).scalar_subquery()
)
selected = select(
    *(column for column in corrections.c if column.name != "state"),
    state.label("state"),
    _other_labels.label("other_labels"),
)


def path() -> Path:
    """Return the path of the database."""
    return settings.home() / "corrections.db"


def reading() -> AbstractContextManager[Connection]:
    """Begin a transaction that only reads. Raises StoreUnavailable."""
    return _transaction(is_writing=False)


def writing() -> AbstractContextManager[Connection]:
    """Begin a transaction that has the write lock from its start: what it reads stays true.

    Raises StoreUnavailable.
    """
    return _transaction(is_writing=True)


def to_correction(row: Row[*tuple[Any, ...]]) -> Correction:
    """Return a selected row as a Correction."""
    values = dict(row._mapping)
    other_labels = values.pop("other_labels")
    if other_labels is not None:
        values["reason"] = f"The same picture is also labelled {other_labels}."
    return Correction(**values)


def read(connection: Connection, *where: Any, limit: int | None = None) -> list[Correction]:
    """Return the rows for which all of `where` holds, newest first."""
    query = selected.where(*where).order_by(corrections.c.id.desc()).limit(limit)
    return [to_correction(row) for row in connection.execute(query)]


def read_one(connection: Connection, correction_id: int) -> Correction:
    """Return one row. Raises UnknownCorrection."""
    found = read(connection, corrections.c.id == correction_id)
    if not found:
        raise UnknownCorrection(correction_id)
    return found[0]


def remove_review_request(connection: Connection, picture: str) -> None:
    """Remove the review request for the picture with this hash: a label takes its place."""
    connection.execute(
        delete(corrections).where(
            corrections.c.content_hash == picture, corrections.c.state == REVIEW_REQUESTED
        )
    )


@contextmanager
def _transaction(*, is_writing: bool) -> Iterator[Connection]:
    try:
        with _engine(path()).execution_options(is_writing=is_writing).begin() as connection:
            yield connection
    except (DBAPIError, sqlite3.Error, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise StoreUnavailable(
            f"The corrections in {path()} cannot be read or written: {reason}. "
            "Check that file, and the free space on its disk."
        ) from error


@cache
def _engine(file: Path) -> Engine:
    """The engine of the database at this path, which is created if there is none."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    # One process at a time: SQLite does not wait while another one changes to WAL.
    with locks.locked(file.parent / f".{file.name}.lock"):
        with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as no_transaction:
            no_transaction.execute("PRAGMA journal_mode=WAL")
        with engine.execution_options(is_writing=True).begin() as connection:
            corrections.metadata.create_all(connection)
    return engine


def _set_up(connection: Any, _: object) -> None:
    connection.isolation_level = None  # Python's sqlite3 begins transactions too late
    connection.execute("PRAGMA synchronous=FULL").close()


def _begin(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
