"""Reading a table of an archive, as spreadsheets of several countries write it."""

import codecs
import csv
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from training.store.corrections_archive.cells import unprotect
from training.store.corrections_schema import CorrectionError
from training.store.texts import SURROGATES

_DELIMITERS = (",", ";", "\t", "|")
"""Excel writes a semicolon where the comma is the decimal sign, and tabs as "Unicode text"."""

_SNIFFED_BYTES = 64 * 1024


class Row(NamedTuple):
    """A row of the table: the number that a spreadsheet shows for it, and its cells by column.

    Cells that are missing are empty. `problem` says why the row cannot be read, if so.
    """

    number: int
    cells: Mapping[str, str]
    problem: str | None = None


def read_rows(
    content: bytes, name: str, columns: Sequence[str], required: Sequence[str]
) -> Iterator[Row]:
    """Iterate over the rows below the head, without empty ones, of the table of this name.

    Takes UTF-8 and UTF-16, any of four delimiters, columns in any order, more of them, and heads in
    any case. Raises CorrectionError without the columns that are needed.
    """
    delimiter, head = _sniff(content, required)
    if missing := set(required) - set(head):
        raise CorrectionError(f"{name} has no column {min(missing)!r}.")
    places = {column: head.index(column) for column in columns if column in head}
    reader = csv.reader(_lines(content), delimiter=delimiter)
    head_seen = False
    for number in itertools.count(1):
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # the next call begins behind this row
            yield Row(number, {}, f"the row cannot be read: {error}.")
            continue
        if _is_empty(cells):
            continue
        if not head_seen:
            head_seen = not _is_hint(cells)
            continue
        yield _row(number, cells, places, len(head))


def _row(number: int, cells: list[str], columns: dict[str, int], width: int) -> Row:
    found = {
        name: unprotect(cells[index]) if index < len(cells) else ""
        for name, index in columns.items()
    }
    if any(SURROGATES.search(cell) for cell in found.values()):
        return Row(number, {}, "the row is not UTF-8. Save the table as 'CSV UTF-8'.")
    if any(cell.strip() for cell in cells[width:]):
        problem = f"the row has {len(cells)} cells, and the head {width}. Put texts in quotes."
        return Row(number, {}, problem)
    return Row(number, found)


def _lines(content: bytes) -> io.TextIOWrapper:
    """The text, line by line. Bytes that are not UTF-8 become surrogates, in their row alone."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return io.TextIOWrapper(io.BytesIO(content), "utf-16", "replace", newline="")
    return io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", "surrogateescape", newline="")


def _sniff(content: bytes, required: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter with which the head names most of the columns that are needed, and the head."""
    text = _lines(content).read(_SNIFFED_BYTES)
    heads = [(delimiter, _head(text, delimiter)) for delimiter in _DELIMITERS]
    return max(heads, key=lambda it: len({*required} & {*it[1]}))


def _head(text: str, delimiter: str) -> list[str]:
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if not _is_empty(cells) and not _is_hint(cells):
                return [cell.strip().casefold() for cell in cells]
    except csv.Error:
        pass
    return []


def _is_empty(cells: list[str]) -> bool:
    """Whether the row has nothing but delimiters, as spreadsheets leave them at the end."""
    return not any(cell.strip(" ;,|\t\r\n") for cell in cells)


def _is_hint(cells: list[str]) -> bool:
    """Whether the row is `sep=;`, which tells Excel the delimiter."""
    return cells[0].strip().casefold().startswith("sep=")
