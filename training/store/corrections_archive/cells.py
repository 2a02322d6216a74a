"""The columns of an archive's tables, and what its cells may begin with.

A spreadsheet computes a cell that begins with one of `= + - @`, a tab or a line break, whoever
wrote it. An apostrophe in front makes it text. Reading takes it off again, so texts pass unchanged.
"""

import re

TABLE, CLASSES = "corrections.csv", "classes.csv"

COLUMNS = (
    "file",
    "id",
    "label",
    "predicted",
    "model",
    "source",
    "created_at",
    "state",
    "reason",
    "actor",
)

CLASS_COLUMNS = ("name", "class")
"""A name that a class of one's own has or had, and its name today, empty if it was deleted."""

_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
"""With the apostrophes that it has already: one is added and one taken off."""


def protect(cell: object) -> object:
    """Return a cell as it is written: as text, if it looks like a formula."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def unprotect(cell: str) -> str:
    """Return a cell without the apostrophe that `protect` put in front of it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
