"""Making corrections of the rows of a table and the pictures of an archive."""

import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from PIL import Image

from training.model.preprocess import SIDE, Grey
from training.store import classes, corrections, texts
from training.store.corrections import Correction, CorrectionError
from training.store.corrections_archive.members import Members

DecodePicture = Callable[[bytes], Grey]
"""From a picture file to uint8 (28, 28), as for a new correction. Raises CorrectionError."""

_MAX_LENGTHS = {
    "file": 1_000,
    "id": 30,
    "label": 200,
    "predicted": 200,
    "model": 200,
    "source": 100,
    "created_at": 100,
    "state": 100,
    "reason": 1_000,
    "actor": 1_000,
}
"""Characters of a cell."""

_ID = re.compile(r"([0-9]{1,15})(?:[.,]0*)?")
"""A spreadsheet may make 12.0 or 12,0 of 12."""

_MAX_EXPORTED_BYTES = 10_000
"""A grey PNG of 28x28 pixels has less than 1,000; others write comments into theirs."""


class RowReader:
    """Makes a Correction of each row. A file that several rows name is decoded once.

    `labels` as for `parse_submission`; `missing_classes` says why those of the archive that are no
    classes here could not be added.
    """

    def __init__(
        self,
        members: Members,
        labels: Mapping[str, str | None],
        missing_classes: Mapping[str, str],
        decode: DecodePicture,
        max_picture_bytes: int,
    ) -> None:
        self._members = members
        self._labels = labels
        self._missing_classes = missing_classes
        self._folded = {name.casefold(): name for name in reversed(list(labels)) if labels[name]}
        self._decode = decode
        self._max_picture_bytes = max_picture_bytes
        self._pictures: dict[str, bytes | str] = {}  # pixels, or what is wrong with the file

    def read(self, cells: Mapping[str, str]) -> Correction:
        """The correction of a row. Raises CorrectionError, which says what is wrong with it."""
        for name, cell in cells.items():
            if problem := texts.find_problem(cell, _MAX_LENGTHS[name]):
                raise CorrectionError(f"{name!r} {problem}.")
        plain = {name: " ".join(cell.split()) for name, cell in cells.items()}
        if problem := self._missing_classes.get(plain["label"]):
            raise CorrectionError(problem)
        submission = corrections.parse_submission(
            {
                "label": self._class_name(plain["label"]),
                "predicted": self._class_name(plain.get("predicted", "")),
                "model": plain.get("model"),
                "source": plain.get("source", "").lower(),
            },
            self._labels,
        )
        state = plain.get("state", "").lower() or corrections.NEW
        if state not in corrections.STATES:
            raise CorrectionError(f"'state' is one of {', '.join(corrections.STATES)}.")
        correction_id, created_at = _id(plain.get("id", "")), _moment(plain.get("created_at", ""))
        picture = self._pixels(cells["file"].strip())
        return Correction(
            id=correction_id,
            content_hash=corrections.content_hash(picture),
            label=submission.label,
            predicted=submission.predicted,
            model=submission.model,
            source=submission.source,
            created_at=created_at,
            state=state,
            reason=cells["reason"] if plain.get("reason") else None,
            picture=picture,
        )

    def _class_name(self, text: str) -> str:
        """The class that a text names, whatever the case of its letters; else the text."""
        text = classes.normalize(text)
        return text if text in self._labels else self._folded.get(text.casefold(), text)

    def _pixels(self, name: str) -> bytes:
        if not name:
            raise CorrectionError("'file' is missing. Name a picture in the archive.")
        path = self._members.find(name)
        if path is None:
            raise CorrectionError(f"the archive has no file {texts.abridged(name)}.")
        if path not in self._pictures:
            try:
                self._pictures[path] = self._decode_file(path)
            except CorrectionError as error:
                self._pictures[path] = str(error)
        picture = self._pictures[path]
        if isinstance(picture, str):
            raise CorrectionError(picture)
        return picture

    def _decode_file(self, path: str) -> bytes:
        data = self._members.read(path, self._max_picture_bytes)
        exported = _exported_pixels(data)
        if exported is not None:
            return exported
        try:
            return self._decode(data).tobytes()
        except CorrectionError as error:
            raise CorrectionError(f"{texts.abridged(path)}: {error}") from error


def _exported_pixels(data: bytes) -> bytes | None:
    """The 784 grey values of a file as the export writes it; None for any other picture."""
    if len(data) > _MAX_EXPORTED_BYTES:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.mode == "L" and image.size == (SIDE, SIDE) and not image.info:
                return image.tobytes()
    except Exception:  # noqa: S110 - Pillow raises nearly anything; `decode` says what is wrong
        pass
    return None


def _id(text: str) -> int:
    found = _ID.fullmatch(text or "0")
    if not found:
        raise CorrectionError("'id' is a whole number, or nothing.")
    return int(found[1])


def _moment(text: str) -> str:
    """An ISO 8601 time in UTC, as the store keeps it; now, if there is none."""
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError) as error:
        raise CorrectionError("'created_at' is a time such as 2026-11-24T08:00:00Z.") from error
