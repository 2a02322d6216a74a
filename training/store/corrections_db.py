"""The database of corrections: its main table, transactions and queries.

SQLite in WAL mode with synchronous=FULL: what a transaction has committed is on the disk, however
the process ends, and several processes may read and write at once.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
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
    inspect,
    select,
)
from sqlalchemy.dialects.sqlite import insert as insert_or_not
from sqlalchemy.exc import DBAPIError

import settings
from training.store import corrections_recovery, files, locks
from training.store.corrections_schema import (
    CONFLICT,
    REVIEW_REQUESTED,
    Correction,
    StoreFull,
    StoreUnavailable,
    UnknownCorrection,
    is_held_out,
)

_BUSY_SECONDS = 30

metadata = MetaData()
"""All tables of the database. classes/tables.py adds those about classes."""

corrections = Table(
    "corrections",
    metadata,
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
    Column("actor", String),
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


held_out = func.is_held_out(corrections.c.content_hash)
"""Whether a picture is held out: is_held_out of corrections_schema, in SQL."""


def path() -> Path:
    """Return the path of the database."""
    return settings.home() / "corrections.db"


def now() -> str:
    """Return the time as the database keeps it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


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
    file = path()
    try:
        with _engine(file).execution_options(is_writing=is_writing).begin() as connection:
            yield connection
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise _unavailable(file, error.orig if isinstance(error, DBAPIError) else error) from error


def _unavailable(file: Path, error: BaseException | None) -> StoreUnavailable:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and files.is_full(error)):
        return StoreFull(
            f"The disk is full: nothing can be stored in {file} now. Free some space and try again."
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
        _forget(file)  # checked when it is opened again
        return StoreUnavailable(
            f"The corrections in {file} are damaged: {error}. Try again: what is damaged is then "
            "replaced."
        )
    reason = files.error_reason(error) if isinstance(error, OSError) else error
    return StoreUnavailable(
        f"The corrections in {file} cannot be read or written: {reason}. Check that file, whom it "
        "belongs to, and its disk."
    )


@dataclass(frozen=True)
class _Opened:
    engine: Engine
    identity: tuple[int, int]
    """Device and number of the file: another file at its path is another database."""


_opened: dict[Path, _Opened] = {}
_opening = threading.Lock()


def _engine(file: Path) -> Engine:
    """The engine of the database at this path, which is created if there is none.

    A database that was damaged, deleted or replaced since it was opened is opened anew.
    """
    opened = _opened.get(file)
    if opened is None or opened.identity != _identity(file):
        with _opening:
            opened = _opened.get(file)
            if opened is None or opened.identity != _identity(file):
                _forget(file)
                opened = _opened[file] = _open(file)
    return opened.engine


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_size else None


def _forget(file: Path) -> None:
    opened = _opened.pop(file, None)
    if opened is not None:
        opened.engine.dispose()


def _open(file: Path) -> _Opened:
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    lock = file.parent / f".{file.name}.lock"
    existed = lock.exists()  # it is made with the first database
    # One process at a time: SQLite does not wait while another one changes to WAL.
    with locks.locked(lock):
        moved = corrections_recovery.move_damaged_away(
            file, existed=existed, busy_seconds=_BUSY_SECONDS
        )
        with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as no_transaction:
            no_transaction.execute("PRAGMA journal_mode=WAL")
        with engine.execution_options(is_writing=True).begin() as connection:
            metadata.create_all(connection)
            _add_new_columns(connection)
        if moved is not None:
            moved.describe(file, _restore(engine, moved.rows))
    identity = _identity(file)
    if identity is None:
        raise FileNotFoundError(file)
    return _Opened(engine, identity)


def _restore(engine: Engine, rows: Mapping[str, corrections_recovery.Rows]) -> int:
    """Store the rows of a damaged database, by table, in the new one.

    Returns how many corrections, 0 if it fails.
    """
    from training.store.classes.mending import mend  # it imports this module

    try:
        with engine.execution_options(is_writing=True).begin() as connection:
            for table in metadata.sorted_tables:
                for row in rows.get(table.name, ()):
                    known = {name: value for name, value in row.items() if name in table.c}
                    wanted = insert_or_not(table).values(known)
                    connection.execute(wanted.on_conflict_do_nothing())
            mend(connection)
    except DBAPIError:  # a full disk: the rows are in the damaged one still
        return 0
    return len(rows.get(corrections.name, ()))


def _add_new_columns(connection: Connection) -> None:
    """Add the columns that an older version of this program did not have."""
    for table in metadata.sorted_tables:
        known = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.c:
            if column.name not in known:
                connection.exec_driver_sql(
                    f"ALTER TABLE {table.name} ADD COLUMN {column.name} {column.type.compile()}"
                )


def _set_up(connection: Any, _: object) -> None:
    connection.isolation_level = None  # Python's sqlite3 begins transactions too late
    connection.create_function(held_out.name, 1, is_held_out, deterministic=True)
    connection.execute("PRAGMA synchronous=FULL").close()


def _begin(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
