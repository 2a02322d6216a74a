"""Corrections as a zip archive: a PNG for each picture, and one table, corrections.csv.

    pictures/12.png    28x28, grey
    corrections.csv    a line a picture: file, id, label, predicted, model, source, created_at,
                       state, reason, actor; UTF-8

`import_archive` reads what `export_archive` writes. Of another table it needs only the columns file
and label. Who imports is the actor, whatever the table says.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO

from PIL import Image

from training.model.png import encode_png
from training.model.preprocess import SIDE
from training.store import corrections
from training.store.corrections import Correction, CorrectionError

TABLE = "corrections.csv"
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
MOST_CORRECTIONS = 100_000
"""In an archive that is imported."""

_CHUNK_BYTES = 64 * 1024
_LARGEST_PNG = 10_000
"""Bytes. A grey PNG of 28x28 pixels has less than 1,000; others write comments into theirs."""
_LARGEST_TABLE = 50_000_000
_LONGEST_REASON = 1_000


def export_archive() -> Iterator[bytes]:
    """Iterate over the bytes of an archive of all corrections, made while it is sent."""
    sink, lines = _Sink(), io.StringIO()
    table = csv.DictWriter(lines, COLUMNS, extrasaction="ignore")
    table.writeheader()
    with zipfile.ZipFile(sink, "w") as archive:
        for correction in corrections.each():
            name = f"pictures/{correction.id}.png"
            archive.writestr(name, encode_png(correction.pixels))
            table.writerow({"file": name, **vars(correction)})
            if sink.size >= _CHUNK_BYTES:
                yield sink.taken()
        archive.writestr(TABLE, lines.getvalue(), zipfile.ZIP_DEFLATED)
    yield sink.taken()


def import_archive(
    file: BinaryIO, class_names: Sequence[str], actor: str | None = None
) -> tuple[int, int]:
    """Import the corrections of an archive, all or none, as given by `actor`.

    Returns how many were added, and how many were there already. Raises CorrectionError, which
    names the line that is wrong.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = list(_entries(archive, class_names))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # The last two: a compression that Python does not know, and an archive with a password.
        raise CorrectionError(
            "This is not a readable zip archive, or it is damaged. Send one as "
            f"GET /corrections/export returns it. ({error})"
        ) from error
    return corrections.restore(replace(entry, actor=actor) for entry in entries)


def _entries(archive: zipfile.ZipFile, class_names: Sequence[str]) -> Iterator[Correction]:
    files = {info.filename: info for info in archive.infolist()}
    if TABLE not in files:
        raise CorrectionError(f"There is no {TABLE} in the archive. Export one to see its form.")
    text = _text(archive, files[TABLE])
    table = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if missing := {"file", "label"} - set(table.fieldnames or ()):
            raise CorrectionError(f"{TABLE} has no column {min(missing)!r}.")
        for count, line in enumerate(table):
            if count == MOST_CORRECTIONS:
                raise CorrectionError(f"An archive may hold {MOST_CORRECTIONS:,} corrections.")
            try:
                yield _entry(archive, files, line, class_names)
            except CorrectionError as error:
                raise CorrectionError(f"{TABLE}, line {table.line_num}: {error}") from error
    except csv.Error as error:
        raise CorrectionError(f"{TABLE} cannot be read: {error}.") from error


def _text(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if info.file_size > _LARGEST_TABLE:
        raise CorrectionError(f"{TABLE} is larger than {_LARGEST_TABLE // 1_000_000} MB.")
    try:
        return archive.read(info).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorrectionError(f"{TABLE} is not UTF-8.") from error


def _entry(
    archive: zipfile.ZipFile,
    files: dict[str, zipfile.ZipInfo],
    line: dict[str, str | None],
    class_names: Sequence[str],
) -> Correction:
    submission = corrections.parse_submission(line, class_names)
    name = line["file"] or ""
    if name not in files:
        raise CorrectionError(f"the archive has no file {name!r}.")
    picture = _pixels(archive, files[name])
    state, reason = line.get("state") or corrections.NEW, line.get("reason") or None
    if state not in corrections.STATES:
        raise CorrectionError(f"'state' is one of {', '.join(corrections.STATES)}.")
    if reason is not None and len(reason) > _LONGEST_REASON:
        raise CorrectionError(f"'reason' is longer than {_LONGEST_REASON:,} characters.")
    return Correction(
        id=_id(line.get("id") or "0"),
        content_hash=corrections.content_hash(picture),
        label=submission.label,
        predicted=submission.predicted,
        model=submission.model,
        source=submission.source,
        created_at=_moment(line.get("created_at")),
        state=state,
        reason=reason,
        picture=picture,
    )


def _pixels(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A file's 784 grey values. What it says that it unpacks to bounds what is unpacked."""
    wanted = f"{info.filename!r} has to be a grey PNG of {SIDE}x{SIDE} pixels"
    if info.file_size > _LARGEST_PNG:
        raise CorrectionError(f"{wanted}; it is larger than {_LARGEST_PNG // 1000} kB.")
    data = archive.read(info)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.mode != "L" or image.size != (SIDE, SIDE):
                found = f"{image.width}x{image.height}, mode {image.mode}"
                raise CorrectionError(f"{wanted}; it is {found}.")
            return image.tobytes()
    except CorrectionError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on hostile bytes
        raise CorrectionError(f"{wanted}; it cannot be read.") from error


def _id(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise CorrectionError("'id' is a whole number, or nothing.")
    return int(text)


def _moment(text: str | None) -> str:
    """An ISO 8601 time in UTC, as the store keeps it; now, if there is none."""
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError) as error:
        raise CorrectionError("'created_at' is a time such as 2026-11-24T08:00:00Z.") from error


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
