"""Writing an archive of all corrections, while it is sent."""

import csv
import io
import zipfile
from collections.abc import Iterator

from training.model.png import encode_png
from training.store import classes, corrections
from training.store.corrections_archive.cells import CLASS_COLUMNS, CLASSES, COLUMNS, TABLE, protect

_CHUNK_BYTES = 64 * 1024

_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold, for every file: the same corrections are the same bytes."""


def export_archive() -> Iterator[bytes]:
    """Iterate over the bytes of an archive of all corrections, made while it is sent."""
    sink, lines = _Sink(), io.StringIO()
    table = csv.writer(lines)
    table.writerow(COLUMNS)
    with zipfile.ZipFile(sink, "w") as archive:
        for correction in corrections.each():
            name = f"pictures/{correction.id}.png"
            archive.writestr(zipfile.ZipInfo(name, _TIME), encode_png(correction.pixels))
            cells = {"file": name, **vars(correction)}
            table.writerow([protect(cells[column]) for column in COLUMNS])
            if sink.size >= _CHUNK_BYTES:
                yield sink.taken()
        _write_table(archive, TABLE, lines)
        _write_table(archive, CLASSES, _class_lines())
    yield sink.taken()


def _class_lines() -> io.StringIO:
    lines = io.StringIO()
    table = csv.writer(lines)
    table.writerow(CLASS_COLUMNS)
    table.writerows([protect(name), protect(now)] for name, now in classes.exported().items())
    return lines


def _write_table(archive: zipfile.ZipFile, name: str, lines: io.StringIO) -> None:
    written = lines.getvalue().encode("utf-8-sig")
    archive.writestr(zipfile.ZipInfo(name, _TIME), written, zipfile.ZIP_DEFLATED)


class _Sink(io.RawIOBase):
    """A file that cannot be seeked, whose content is taken in pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Append `data`."""
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def taken(self) -> bytes:
        """Return and forget what was written since the last call."""
        content = b"".join(self._pieces)
        self._pieces, self.size = [], 0
        return content
