"""Importing an archive row by row, within bounds of memory and time."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from training.store import classes, corrections
from training.store.corrections import Correction, CorrectionError
from training.store.corrections_archive.cells import CLASS_COLUMNS, CLASSES, COLUMNS, TABLE
from training.store.corrections_archive.members import Members
from training.store.corrections_archive.rows import DecodePicture, RowReader
from training.store.corrections_archive.table import Row, read_rows

MAX_ROWS = 100_000
"""Of one archive. As many pictures fill the 100 MB that a body may have."""

MAX_SECONDS = 40.0
"""20,000 rows as the export writes them, 20 MB, took 4.7 s of one core. The trainer has 60 for a
call, the upload included."""

_MAX_TABLE_BYTES = 32_000_000
"""MAX_ROWS rows of 320 bytes. An exported row has 130, and its reason."""

_MAX_CLASSES_BYTES = 400_000
_MAX_NAMES = 1_000
"""Of classes, former ones included. Two names of 40 characters are less than 400 bytes."""

_MAX_PROBLEMS = 100
"""That an answer lists. Nobody reads more, and they are counted all the same."""

_BATCH_ROWS = 500
"""Stored in one transaction. Whoever adds a correction meanwhile waits for one of these."""


@dataclass(frozen=True)
class Problem:
    """Why a row was refused: the number that a spreadsheet shows for it, and a sentence."""

    row: int
    reason: str


@dataclass
class ImportReport:
    """How many rows were added, known already, and refused; `problems` lists the first refused.

    `classes` are the names of the classes that were added.
    """

    added: int = 0
    known: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)

    def refuse(self, row: int, reason: str) -> None:
        """Count a refused row."""
        self.refused += 1
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(row, reason[:1].upper() + reason[1:]))


def import_archive(
    content: bytes,
    decode: DecodePicture,
    *,
    actor: str | None = None,
    max_picture_bytes: int = 10_000_000,
    max_seconds: float = MAX_SECONDS,
) -> ImportReport:
    """Import the corrections of an archive, as given by `actor`, whatever the table says.

    Each row is imported or refused as a whole. Rows beyond MAX_ROWS, and those not reached after
    `max_seconds`, are refused. What was reported as added is on the disk. Raises CorrectionError
    when the archive has no table that can be read, and StoreUnavailable.
    """
    deadline = time.monotonic() + max_seconds
    members = Members(content)
    content = members.read(members.table, _MAX_TABLE_BYTES)
    rows = read_rows(content, TABLE, COLUMNS, required=("file", "label"))
    names = _class_names(members)
    imported = classes.import_names(names, actor)
    # A version may have predicted what was a class once.
    labels = dict.fromkeys(names) | classes.labels()
    reader = RowReader(members, labels, imported.problems, decode, max_picture_bytes)
    report = ImportReport(classes=imported.added)
    entries = _entries(rows, reader, report, deadline, max_seconds)
    while batch := list(itertools.islice(entries, _BATCH_ROWS)):
        added, known = corrections.restore([replace(entry, actor=actor) for entry in batch])
        report.added += added
        report.known += known
    return report


def _class_names(members: Members) -> dict[str, str]:
    """The names in the table of classes, if there is one: today's name by name."""
    path = members.find(CLASSES)
    if path is None:
        return {}
    content = members.read(path, _MAX_CLASSES_BYTES)
    rows = read_rows(content, CLASSES, CLASS_COLUMNS, CLASS_COLUMNS)
    cells = [row.cells for row in itertools.islice(rows, _MAX_NAMES) if row.problem is None]
    return {" ".join(it["name"].split()): " ".join(it["class"].split()) for it in cells}


def _entries(
    rows: Iterator[Row],
    reader: RowReader,
    report: ImportReport,
    deadline: float,
    max_seconds: float,
) -> Iterator[Correction]:
    """The rows that can be read. Counts the others in `report`."""
    for count, row in enumerate(rows):
        if count == MAX_ROWS:
            reason = f"An import takes {MAX_ROWS:,} rows. Send this row and the rest by themselves."
        elif time.monotonic() > deadline:
            reason = (
                f"The import ended after {max_seconds:.0f} seconds. "
                "Send this row and the rest by themselves."
            )
        else:
            try:
                if row.problem is not None:
                    raise CorrectionError(row.problem)
                yield reader.read(row.cells)
            except CorrectionError as error:
                report.refuse(row.number, str(error))
            continue
        report.refuse(row.number, reason)
        report.refused += sum(1 for _ in itertools.islice(rows, MAX_ROWS))
        return
