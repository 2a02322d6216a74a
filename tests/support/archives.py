"""Archives of corrections for tests: as an export writes them, edited by hand, and hostile."""

import io
import struct
import zipfile
from typing import Any

from PIL import Image

from tests.support.corrections_store import picture


def zipped(
    files: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A zip archive with these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def png(pixels: Any, mode: str = "L") -> bytes:
    """A PNG of an array of grey values."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "PNG")
    return file.getvalue()


def with_table(table: bytes | str, **more: bytes) -> bytes:
    """An archive with a table and the pictures a.png and b.png, which `more` adds to."""
    pictures = {"a.png": png(picture(1)), "b.png": png(picture(2))}
    return zipped({**pictures, **more, "corrections.csv": table})


def with_rows(*rows: str, head: str = "file,label") -> bytes:
    """The same with the rows of the table."""
    return with_table("\n".join((head, *rows)))


def declared_smaller(archive: bytes, real: int, declared: int) -> bytes:
    """An archive whose headers say that a file of `real` bytes has `declared`."""
    return archive.replace(struct.pack("<I", real), struct.pack("<I", declared))
