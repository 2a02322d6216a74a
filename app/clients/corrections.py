"""The trainer's calls about corrections, with typed responses."""

import csv
import io
import zipfile
from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, field_validator

from app.clients.http import Connection, ResponseModel, connect
from app.text.translate import N_

ARCHIVE_SECONDS = 60.0  # ten thousand corrections take seconds, more on a busy machine

USABLE_STATES = ("new", "accepted")
"""Runs use corrections in these states, for training or for testing."""

REVIEW_STATES = ("conflict", "quarantined", "review_requested")
"""Corrections in these states wait for a person's decision."""


class Correction(ResponseModel):
    """A picture as the model gets it, a PNG of 28x28 pixels, and the label that a person gave it.

    A review request has no such label yet: `label` is what the live model answered. `held_out`:
    it is a test correction, never trained on. `reason` is a sentence that says why it is not used,
    None if it is.
    `actor` is who gave it, None if that is unknown. `content_hash` is that of its picture; with
    the label it identifies a correction among those that a version has learned.
    """

    id: int
    content_hash: str = ""
    label: str
    predicted: str | None
    model: str | None
    source: str
    created_at: AwareDatetime
    state: str
    reason: str | None
    held_out: bool
    png: bytes
    actor: str | None = None


class Page(ResponseModel):
    """Some corrections, newest first. `next` is the `after` of the next page, None on the last.

    `counts` is the number of corrections in each state.
    """

    corrections: tuple[Correction, ...]
    next: int | None
    counts: Mapping[str, int]

    @field_validator("counts")
    @classmethod
    def _check_states(cls, counts: Mapping[str, int]) -> Mapping[str, int]:
        if missing := {*USABLE_STATES, *REVIEW_STATES} - counts.keys():
            raise ValueError(f"no count for {', '.join(sorted(missing))}")
        return counts

    @property
    def usable(self) -> int:
        """The number of corrections that runs use, for training or for testing."""
        return sum(self.counts[state] for state in USABLE_STATES)

    @property
    def doubtful(self) -> int:
        """The number of corrections that wait for a person's decision."""
        return sum(self.counts[state] for state in REVIEW_STATES)


class SavedCorrection(ResponseModel):
    """A correction that the trainer has saved. `new` is False if it was there already."""

    id: int
    state: str
    new: bool = True


class RefusedRow(ResponseModel):
    """A row of an archive's table that was not imported, as a spreadsheet numbers it, and why."""

    row: int
    reason: str


class ImportReport(ResponseModel):
    """How many rows of an archive were added, were there already, and were refused.

    `problems` holds the first rows that were refused.
    """

    added: int
    known: int
    refused: int
    problems: tuple[RefusedRow, ...]


def submit(
    data: bytes,
    media_type: str,
    *,
    label: str,
    predicted: str | None = None,
    model: str | None = None,
    source: str,
    crop: str = "",
) -> SavedCorrection:
    """Save a picture, as it was sent to the classifier, with its class. Raises ServiceError.

    `predicted` is the class that the version `model` named, None if there was no answer. `crop` is
    the part of the picture that counts, "" for all of it.
    """
    trainer = _trainer()
    fields = {"label": label, "source": source}
    if crop:
        fields["crop"] = crop
    if predicted is not None and model is not None:
        fields |= {"predicted": predicted, "model": model}
    files = {"image": ("image", data, media_type)}
    response = trainer.send("POST", "/corrections", files=files, data=fields)
    saved = trainer.parse(SavedCorrection, response)
    return saved.model_copy(update={"new": response.status_code == 201})


def page(*, state: str | None = None, label: str | None = None, after: int = 0, limit: int) -> Page:
    """Corrections in one state, of one class, or all of them. Raises ServiceError."""
    query = {"state": state, "label": label, "after": after, "limit": limit}
    return _trainer().fetch(Page, "GET", "/corrections", params=query)


def relabel(correction_id: int, label: str) -> Correction:
    """Give a correction another class. Raises ServiceError.

    Returns it as it is now; or the correction of the same picture that has this class already.
    """
    return _change(correction_id, {"label": label})


def accept(correction_id: int) -> Correction:
    """Accept a correction in spite of doubts; a review request is accepted with its label.

    Raises ServiceError: RequestRejected while it is in conflict.
    """
    return _change(correction_id, {"state": "accepted"})


def delete(correction_id: int) -> None:
    """Delete a correction. Raises ServiceError."""
    _trainer().send("DELETE", f"/corrections/{correction_id}")


def restore(correction: Correction) -> None:
    """Restore a deleted correction as it was. Raises ServiceError."""
    row = {
        "file": "picture.png",
        "id": correction.id,
        "label": correction.label,
        "predicted": correction.predicted or "",
        "model": correction.model or "",
        "source": correction.source,
        "created_at": correction.created_at.isoformat(),
        "state": correction.state,
        "reason": correction.reason or "",
    }
    table, archive = io.StringIO(), io.BytesIO()
    writer = csv.DictWriter(table, list(row))
    writer.writeheader()
    writer.writerow(row)
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("picture.png", correction.png)
        files.writestr("corrections.csv", table.getvalue())
    import_archive(archive.getvalue())


def export(headers: Mapping[str, str] | None = None) -> bytes:
    """Export all corrections as a zip archive. Raises ServiceError.

    `headers` are those of `identity`, where this is called outside of the visitor's session.
    """
    response = _trainer().send(
        "GET", "/corrections/export", headers=headers, read_seconds=ARCHIVE_SECONDS
    )
    return response.content


def import_archive(archive: bytes) -> ImportReport:
    """Import the rows of an archive that can be read, and report what became of all of them.

    Raises ServiceError: RequestRejected if there is none, NotReady while another import goes on.
    """
    return _trainer().fetch(
        ImportReport,
        "POST",
        "/corrections/import",
        data=archive,
        headers={"Content-Type": "application/zip"},
        read_seconds=ARCHIVE_SECONDS,
    )


def _change(correction_id: int, change: dict[str, Any]) -> Correction:
    return _trainer().fetch(Correction, "PATCH", f"/corrections/{correction_id}", json=change)


def _trainer() -> Connection:
    return connect(N_("The trainer"), "TRAINER_URL")
