"""CSV files for spreadsheets."""

import pandas as pd

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(table: pd.DataFrame) -> bytes:
    """Return a table as UTF-8 text with a byte order mark, from which Excel knows the encoding.

    A spreadsheet computes a text that begins with one of `= + - @`, a tab or a line break, such as
    the name of a file. An apostrophe in front of it keeps it a text.
    """
    protected = table.map(_protect).rename(columns=_protect)
    return protected.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig", "replace")


def _protect(cell: object) -> object:
    starts_formula = isinstance(cell, str) and cell.startswith(_FORMULA_STARTS)
    return f"'{cell}" if starts_formula else cell
