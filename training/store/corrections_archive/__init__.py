"""Corrections as a zip archive: a PNG for each picture, and one table, corrections.csv.

    pictures/12.png    28x28, grey
    corrections.csv    a row a picture: file, id, label, predicted, model, source, created_at,
                       state, reason, actor; UTF-8 with a byte order mark, from which Excel knows it

`import_archive` reads what `export_archive` writes, also after somebody has edited the table with a
spreadsheet and zipped the folder again. Of another table it needs only the columns file and label.
"""

from training.store.corrections_archive.exporting import export_archive
from training.store.corrections_archive.importing import (
    MAX_ROWS,
    MAX_SECONDS,
    ImportReport,
    Problem,
    import_archive,
)

__all__ = [
    "MAX_ROWS",
    "MAX_SECONDS",
    "ImportReport",
    "Problem",
    "export_archive",
    "import_archive",
]
