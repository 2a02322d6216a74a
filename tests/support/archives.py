"""Archives of corrections for tests: as an export writes them, edited by hand, and hostile."""

import io
import random
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

from PIL import Image

from tests.support.corrections_store import picture
from training.model.preprocess import Grey, preprocess
from training.store import corrections_archive
from training.store.corrections import CorrectionError
from training.store.corrections_archive import ImportReport


def zipped(files: Mapping[str, Any], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive with these files: names with bytes or text."""
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


def decode(data: bytes) -> Grey:
    """Decode a picture as the trainer does, or refuse it."""
    try:
        return preprocess(Image.open(io.BytesIO(data)))
    except Exception as error:
        raise CorrectionError("This is not a picture that can be read.") from error


def imported(archive: bytes, **options: Any) -> ImportReport:
    """Import an archive into the store of this process."""
    return corrections_archive.import_archive(archive, decode, **options)


def counts(report: ImportReport) -> tuple[int, int, int]:
    """How many rows were added, known and refused."""
    return report.added, report.known, report.refused


def mutated(archive: bytes, chance: random.Random) -> bytes:
    """The archive with a few bytes changed, removed, repeated or moved."""
    data = bytearray(archive)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at, size = chance.randrange(len(data)), chance.choice((1, 1, 2, 4, 30))
        match chance.randrange(5):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = data[at : at + size]
            case 4:
                data[at : at + size] = chance.randbytes(size)
        if not data:
            break
    return bytes(data)
