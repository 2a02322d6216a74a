"""npy arrays and zip archives of corrections, and their mutations."""

import io
import struct
import zipfile
from random import Random

import numpy as np

from tests.support.fuzz import pictures
from tests.support.fuzz.values import mutate_bytes, text

_COLUMNS = "file,id,label,predicted,model,source,created_at,state,reason"
_LABELS = ("Bag", "Trouser", "T-shirt/top", "Ankle boot", "bag", "Hat")
_COMPRESSIONS = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
    zipfile.ZIP_BZIP2,
    zipfile.ZIP_LZMA,
)


def array(random: Random) -> bytes:
    """An npy file of some pictures: valid, of another type or shape, or with a changed header."""
    count = random.choice((0, 1, 2, 40))
    shape: tuple[int, ...] = random.choice(
        ((count, 28, 28),) * 6 + ((28, 28), (count, 28, 29), (count, 28, 28, 3), (count,), ())
    )
    kind = random.choice(("uint8",) * 8 + ("float32", "int64", "bool", "complex128", "U3"))
    values = np.zeros(shape, kind)
    if random.random() < 0.1:
        values = np.asfortranarray(values)
    file = io.BytesIO()
    np.save(file, values)
    data = file.getvalue()
    match random.randrange(6):
        case 0:
            wanted = random.choice(("(99999999, 28, 28)", "(-1, 28, 28)", "(2**40,)", "(1e9, 2)"))
            return data.replace(str(shape).encode(), wanted.encode())
        case 1:
            return data.replace(b"|u1", random.choice((b"|O ", b"|V1", b">f8", b"|u9")))
        case 2 | 3:
            return mutate_bytes(data, random)
    return data


def archive(random: Random) -> bytes:
    """A zip archive as GET /corrections/export makes it, mutated in its table, members or bytes."""
    file = io.BytesIO()
    prefix = random.choice(("",) * 6 + ("folder/", "../", "/", "pictures\\"))
    compression = random.choice(_COMPRESSIONS)
    with zipfile.ZipFile(file, "w", compression) as target:
        names = [f"pictures/{number}.png" for number in range(1, random.choice((1, 3, 8)) + 1)]
        for name in names:
            target.writestr(_entry(prefix + name, compression), _member(random))
        if random.random() < 0.1:
            target.writestr(_entry("__MACOSX/._1.png", compression), b"\x00\x05\x16\x07")
        if random.random() < 0.95:
            target.writestr(_entry(prefix + "corrections.csv", compression), table(names, random))
    data = file.getvalue()
    match random.randrange(5):
        case 0:
            return _with_a_lie(data, random)
        case 1 | 2:
            return mutate_bytes(data, random)
    return data


def _entry(name: str, compression: int) -> zipfile.ZipInfo:
    """An entry of a fixed time: a case must be the same for a seed at any time."""
    entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    entry.compress_type = compression
    return entry


def _member(random: Random) -> bytes:
    if random.random() < 0.7:
        return pictures.encoded_grey(random)
    if random.random() < 0.1:
        return bytes(random.choice((10_000, 3_000_000)))
    return pictures.picture(random, large=False)


def table(names: list[str], random: Random) -> bytes:
    """The archive's table: valid, or with odd cells, separators, rows, encodings."""
    rows = [_COLUMNS.split(",")]
    for number, name in enumerate(names, start=1):
        rows.append([name, str(number), random.choice(_LABELS), "", "", "import", "", "new", ""])
    for _ in range(random.choice((0, 0, 1, 3))):
        row = random.choice(rows)
        row[random.randrange(len(row))] = text(random)
    if random.random() < 0.1:
        rows += [random.choice(rows)] * random.choice((1, 100))
    separator = random.choice((",",) * 5 + (";", "\t"))
    lines = random.choice(("\n", "\r\n", "\r")).join(separator.join(row) for row in rows)
    encoding = random.choice(("utf-8",) * 5 + ("utf-8-sig", "utf-16", "latin-1"))
    written = lines.encode(encoding, "replace")
    return mutate_bytes(written, random) if random.random() < 0.1 else written


def _with_a_lie(data: bytes, random: Random) -> bytes:
    """Changes a number in the zip's directory: a size, a checksum, a place, a method, a flag."""
    changed = bytearray(data)
    starts = [at for at in range(len(data) - 46) if data[at : at + 4] == b"PK\x01\x02"]
    if starts:
        at = random.choice(starts) + random.choice((8, 10, 16, 20, 24, 28, 30, 42))
        changed[at : at + 2] = struct.pack("<H", random.choice((0, 1, 8, 12, 14, 99, 500, 65_535)))
    return bytes(changed)
