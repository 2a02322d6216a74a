"""Corrections as a zip archive: a PNG for each picture, and the tables.

    pictures/12.png    28x28, grey
    corrections.csv    a row a picture: file, id, label, predicted, model, source, created_at,
                       state, reason, actor; UTF-8 with a byte order mark, from which Excel knows it
    classes.csv        the names of own classes: name, class

`import_archive` reads what `export_archive` writes, also after somebody has edited the tables with
a spreadsheet and zipped the folder again. It needs only the first one, and of that the columns file
and label.
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
