"""What the page asks of the trainer about corrections, with typed answers."""

import base64
import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from app.clients.http import Connection, connect
from app.text.correction_states import STATES

ARCHIVE_SECONDS = 60.0  # ten thousand take seconds, on a busy machine more

_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class Correction:
    """A picture as the model saw it, a PNG of 28x28 pixels, and what was said of it.

    Of a question nobody has said anything: `label` is what the model served then answered.
    `held_out`: it is never trained on, but measures what was learned. `reason` is a sentence that
    says why it is not used, None if it is.
    """

    id: int
    label: str
    predicted: str | None
    model: str | None
    source: str
    created_at: datetime
    state: str
    reason: str | None
    held_out: bool
    png: bytes


@dataclass(frozen=True)
class Page:
    """Some corrections, newest first. `next` is the `after` of the next page, None on the last.

    `counts` says how many there are in each of STATES.
    """

    corrections: tuple[Correction, ...]
    next: int | None
    counts: Mapping[str, int]

    @property
    def usable(self) -> int:
        """How many there are to learn from, those that are kept for testing among them."""
        return sum(self.counts[name] for name, state in STATES.items() if state.usable)

    @property
    def doubtful(self) -> int:
        """How many wait for a person to decide."""
        return sum(self.counts.values()) - self.usable


@dataclass(frozen=True)
class Kept:
    """What became of a correction. `new` is False where the same had been said before."""

    id: int
    state: str
    new: bool


def submit(
    data: bytes, media_type: str, *, label: str, predicted: str, model: str, source: str
) -> Kept:
    """Has a picture kept, as it was sent to the classifier, with its class. Raises ServiceError."""
    trainer = _trainer()
    fields = {"label": label, "predicted": predicted, "model": model, "source": source}
    answer = trainer.send(
        "POST", "/corrections", files={"image": ("image", data, media_type)}, data=fields
    )
    return _read(
        trainer,
        lambda: answer.json(),
        lambda raw: Kept(int(raw["id"]), str(raw["state"]), new=answer.status_code == 201),
    )


def page(*, state: str | None = None, label: str | None = None, after: int = 0, limit: int) -> Page:
    """The corrections in one state, of one class, or all of them. Raises ServiceError."""
    trainer = _trainer()
    query = {"state": state, "label": label, "after": after, "limit": limit}
    return _read(trainer, lambda: trainer.get("/corrections", **query), _page)


def relabel(correction_id: int, label: str) -> Correction:
    """Gives it another class, and returns it as it is now; or the one that said so already.

    Raises ServiceError.
    """
    return _changed(correction_id, {"label": label})


def accept(correction_id: int) -> Correction:
    """Has it used, whatever it looks like; a question is answered by the label that it has.

    Raises ServiceError: Refused while it is in conflict.
    """
    return _changed(correction_id, {"state": "accepted"})


def delete(correction_id: int) -> None:
    """Deletes it. Raises ServiceError."""
    _trainer().send("DELETE", f"/corrections/{correction_id}")


def restore(correction: Correction) -> None:
    """Takes a deleted one back as it was. Raises ServiceError."""
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


def export() -> bytes:
    """All of them as a zip archive. Raises ServiceError."""
    answer = _trainer().send("GET", "/corrections/export", read_seconds=ARCHIVE_SECONDS)
    return answer.content


def import_archive(archive: bytes) -> tuple[int, int]:
    """Takes an archive back: how many were added, how many there were already.

    Raises ServiceError: Refused, if anything in it is wrong; then nothing was taken.
    """
    trainer = _trainer()
    headers = {"Content-Type": "application/zip"}
    return _read(
        trainer,
        lambda: trainer.post(
            "/corrections/import", data=archive, headers=headers, read_seconds=ARCHIVE_SECONDS
        ),
        lambda raw: (int(raw["added"]), int(raw["known"])),
    )


def _trainer() -> Connection:
    return connect("The trainer", "TRAINER_URL")


def _changed(correction_id: int, change: dict[str, str]) -> Correction:
    trainer = _trainer()
    answer = trainer.send("PATCH", f"/corrections/{correction_id}", json=change)
    return _read(trainer, lambda: answer.json(), _correction)


def _read(trainer: Connection, ask: Callable[[], Any], parse: Callable[[Any], _Thing]) -> _Thing:
    raw = ask()
    try:
        return parse(raw)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise trainer.bad_answer() from error


def _page(raw: Any) -> Page:
    return Page(
        corrections=tuple(_correction(one) for one in raw["corrections"]),
        next=None if raw["next"] is None else int(raw["next"]),
        counts={state: int(raw["counts"][state]) for state in STATES},
    )


def _correction(raw: Any) -> Correction:
    return Correction(
        id=int(raw["id"]),
        label=str(raw["label"]),
        predicted=raw["predicted"],
        model=raw["model"],
        source=str(raw["source"]),
        created_at=datetime.fromisoformat(raw["created_at"]),
        state=str(raw["state"]),
        reason=raw["reason"],
        held_out=bool(raw["held_out"]),
        png=base64.b64decode(raw["png"]),
    )
