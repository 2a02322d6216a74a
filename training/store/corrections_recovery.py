"""What becomes of a damaged database of corrections when it is opened.

It is renamed to `corrections.db.damaged-<time>`, its `-wal` and `-shm` with it. The rows in it that
can be read, and whose picture, if they have one, has the checksum stored with it, go into the new
database.
"""

import hashlib
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.model.preprocess import SIDE
from training.store import files

NEEDED = {"id", "content_hash", "label", "source", "created_at", "state", "picture"}
"""Columns without which a table is none of ours."""

TABLES = (
    "corrections",
    "hidden_corrections",
    "classes",
    "class_names",
    "class_changes",
)

_WITH_PICTURES = TABLES[:2]
_MOST_BYTES = 2**32
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_MAGIC = (0x377F0682, 0x377F0683)
_NEW_ONE = "A new one is used."
_KEEP = "Delete it when you no longer need it."
_DISAPPEARED = (
    "{file} has disappeared, with all corrections in it. A new one is used. If you have a copy, "
    "stop Wardrobe and put it back; then delete this text file."
)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class _Wal:
    """The write-ahead log as it was before the database was opened; it holds the last commits."""

    content: bytes
    commits: int
    """Frames up to the last commit, by what the log or its index says."""


@dataclass(frozen=True)
class Moved:
    """A damaged database after it was moved to `target`, and the rows of it that can be read.

    `rows` has those of each table.
    """

    target: Path
    reason: str
    rows: dict[str, Rows]

    def describe(self, file: Path, kept: int) -> None:
        """Say what became of the database at `file`; `kept` rows are in the new one."""
        rows = f"{kept:,} corrections" if kept else "No correction"
        files.describe_damage(
            self.target,
            f"{file.name} was damaged: {self.reason}. It is now {self.target.name}. {rows} in it "
            f"could be read{' and kept' if kept else ''}. {_NEW_ONE} {_KEEP}",
        )


def move_damaged_away(file: Path, *, existed: bool, busy_seconds: float) -> Moved | None:
    """Check the database at `file` and move it away if it is damaged, before it is opened.

    `existed`: there was a database here before, so none now means that it is lost. A database that
    cannot be read for another reason stays: raises OSError or sqlite3.Error.
    """
    wal, shm = _beside(file, "-wal"), _beside(file, "-shm")
    for path in (shm, wal):
        if path.is_dir():
            files.move_away(path, "it is a folder")
    if not file.exists():
        if wal.exists():
            lost = _DISAPPEARED.format(file=file.name)
            files.move_away(wal, "the database that it belongs to is missing", lost)
        elif existed and not file.is_symlink():
            files.describe_damage(files.unused_name(file), _DISAPPEARED.format(file=file.name))
        return None
    reason = "it is a folder" if file.is_dir() else _damage_of(file, busy_seconds)
    if reason is None:
        return None
    target = files.unused_name(file)
    file.rename(target)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            _beside(file, suffix).rename(_beside(target, suffix))
    return Moved(target, reason, {} if target.is_dir() else _readable_rows(target))


def row_is_whole(row: dict[str, Any]) -> bool:
    """Whether a row's picture is the one that was stored."""
    picture = row.get("picture")
    return (
        isinstance(picture, bytes)
        and len(picture) == SIDE * SIDE
        and hashlib.sha256(picture).hexdigest() == row.get("content_hash")
        and all(isinstance(row.get(name), str) for name in NEEDED - {"id", "picture"})
    )


def _damage_of(file: Path, busy_seconds: float) -> str | None:
    """Why the database is damaged; None when it is whole. Raises OSError or sqlite3.Error."""
    if not file.stat().st_size:
        return "it is empty"
    file.open("rb").close()
    before = _read_wal(_beside(file, "-wal"), _beside(file, "-shm"))
    try:
        with closing(sqlite3.connect(file, timeout=busy_seconds)) as connection:
            # Before anything else: whoever closes a database last removes its log.
            _, accepted, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if before is not None:
                _report_lost_commits(_beside(file, "-wal"), before, accepted)
            return _errors_in(connection)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in _DAMAGED:
            return f"SQLite says: {error}"
        raise


def _errors_in(connection: sqlite3.Connection) -> str | None:
    [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        return f"SQLite finds errors in it ({found.splitlines()[-1]})"
    columns = {row[1] for row in connection.execute("PRAGMA table_info(corrections)")}
    if not columns:
        tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
        [others] = connection.execute(tables).fetchone()
        return "it is another program's database" if others else None
    if not columns >= NEEDED:
        return "its table is not one of corrections"
    stored = _rows(connection, "corrections", "ASC")
    broken = sum(not row_is_whole(row) for _, row in stored)
    return f"{broken} of its rows are not as they were stored" if broken else None


def _rows(
    connection: sqlite3.Connection, table: str, order: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a table with their numbers, by number."""
    connection.row_factory = sqlite3.Row
    connection.text_factory = lambda text: text.decode(errors="replace")
    query = f"SELECT rowid AS row_number, * FROM {table} ORDER BY rowid {order}"  # noqa: S608
    for row in connection.execute(query):
        values = dict(row)
        yield values.pop("row_number"), values


def _readable_rows(target: Path) -> dict[str, Rows]:
    """The whole rows of a damaged database, by table, from a copy: it stays as it is."""
    found: dict[str, Rows] = {}
    with tempfile.TemporaryDirectory(prefix="wardrobe-") as scratch, suppress(OSError):
        copy = Path(scratch) / "copy.db"
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(_beside(target, suffix), _beside(copy, suffix))
        _extend(copy)
        for table in TABLES:
            found[table] = _readable_rows_of(copy, table)
    return found


def _readable_rows_of(copy: Path, table: str) -> Rows:
    found: dict[int, dict[str, Any]] = {}
    for order in ("ASC", "DESC"):  # up to the damage, from both ends
        with suppress(sqlite3.Error), closing(sqlite3.connect(copy)) as connection:
            for number, row in _rows(connection, table, order):
                if number in found:
                    break
                if table not in _WITH_PICTURES or row_is_whole(row):
                    found[number] = row
    return [found[number] for number in sorted(found)]


def _extend(copy: Path) -> None:
    """Give a database that was cut off the length that its head says: else SQLite reads nothing."""
    with copy.open("r+b") as opened:
        head = opened.read(100)
        if len(head) == 100:
            page, pages = (
                struct.unpack_from(">H", head, 16)[0],
                struct.unpack_from(">I", head, 28)[0],
            )
            wanted = (65_536 if page == 1 else page) * pages
            if opened.seek(0, 2) < wanted < _MOST_BYTES:
                opened.truncate(wanted)


def _read_wal(wal: Path, shm: Path) -> _Wal | None:
    """The log, if it holds anything. One without a valid head is moved away."""
    try:
        content = wal.read_bytes()
    except FileNotFoundError:
        return None
    if not content:
        return None
    page, salts = _wal_head(content)
    if not page:
        files.move_away(
            wal, "it is no log of SQLite", "The last corrections before this time may be missing."
        )
        return None
    commits, frames = 0, range(_WAL_HEADER, len(content) - _FRAME_HEADER - page + 1)
    for number, start in enumerate(frames[:: _FRAME_HEADER + page], start=1):
        if content[start + 8 : start + 16] == salts and any(content[start + 4 : start + 8]):
            commits = number
    with suppress(OSError):
        index = shm.read_bytes()[:48]  # left by a process that was killed
        if len(index) == 48 and index[32:40] == salts:
            commits = max(commits, struct.unpack_from("=I", index, 16)[0])
    return _Wal(content, commits)


def _wal_head(content: bytes) -> tuple[int, bytes]:
    """The size of a page and the salts; 0 and nothing when it is no log."""
    if len(content) < _WAL_HEADER:
        return 0, b""
    magic, version, page = struct.unpack_from(">III", content)
    if magic not in _WAL_MAGIC or version != 3007000 or page not in (512 << n for n in range(8)):
        return 0, b""
    return page, content[16:24]


def _report_lost_commits(wal: Path, before: _Wal, accepted: int) -> None:
    """Keep a copy of the log and say so, when SQLite does not accept all commits in it."""
    with suppress(OSError):
        with wal.open("rb") as opened:
            if opened.read(_WAL_HEADER)[16:24] != before.content[16:24]:
                return  # another process has begun a new log
        if 0 <= accepted < before.commits:
            target = files.unused_name(wal)
            target.write_bytes(before.content)
            files.describe_damage(
                target,
                f"{wal.name} was damaged: SQLite accepts {accepted} of {before.commits} pages in "
                "it. The last corrections before this time may be missing. What it held is now "
                f"{target.name}. {_KEEP}",
            )


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(f"{file.name}{suffix}")
