"""The types of the corrections store: states, rows, submissions, errors."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.model.preprocess import SIDE, Grey

NEW, ACCEPTED, CONFLICT, QUARANTINED = "new", "accepted", "conflict", "quarantined"
REVIEW_REQUESTED = "review_requested"
STATES = (NEW, ACCEPTED, CONFLICT, QUARANTINED, REVIEW_REQUESTED)
"""new: submitted; accepted: a person has reviewed and confirmed it; conflict: the same picture has
another label too; quarantined: the label looks wrong, `reason` says why. Runs use the first two.
review_requested: two versions disagree, or one does not know the picture, as `reason` says, and
nobody has labelled it yet. A label that a person gives to the picture takes its place; until then
it contradicts no other row."""

HELD_OUT_OF = 5
"""One correction in so many, chosen by its picture's hash, is held out for evaluation."""

_MAX_LISTED = 12
"""Classes that an error lists. There may be 50."""

_SOURCE = re.compile(r"[a-z0-9_-]{1,32}")
_MODEL = re.compile(r"\w[\w.:-]{0,127}", re.ASCII)


class CorrectionError(Exception):
    """A request to the store is invalid or failed; the message says why and what to do."""


class StoreUnavailable(CorrectionError):  # noqa: N818 - it says what happened
    """The database is damaged or cannot be written: a full disk, or a file that is none."""


class StoreFull(StoreUnavailable):
    """There is no room left on the disk."""


class UnknownCorrection(CorrectionError):  # noqa: N818 - it says what happened
    """There is no correction with that id."""

    def __init__(self, correction_id: int) -> None:
        super().__init__(f"There is no correction {correction_id}. GET /corrections lists them.")


class UnknownLabel(CorrectionError):  # noqa: N818 - it says what happened
    """A label or a prediction, as `field` says, is not one of the classes."""

    def __init__(self, field: str, class_names: Sequence[str]) -> None:
        super().__init__(
            f"'{field}' is not a known class. Known classes: {list_names(class_names)}."
        )


class Disputed(CorrectionError):  # noqa: N818 - it says what happened
    """The same picture has another label too, so neither can be accepted."""


@dataclass(frozen=True)
class LabelSubmission:
    """A label submitted for a picture, with the prediction of `model`, a tag, and its source."""

    label: str
    predicted: str | None = None
    model: str | None = None
    source: str = "api"


@dataclass(frozen=True)
class Correction:
    """A row. `created_at` is ISO 8601, UTC; `state` is one of STATES; `actor` named its label, or
    accepted it.

    `picture` holds the 784 grey values, row by row, and `content_hash` their SHA-256 in hex. With
    `label` it identifies a correction in any store, `id` in one store only.
    """

    id: int
    content_hash: str
    label: str
    predicted: str | None
    model: str | None
    source: str
    created_at: str
    state: str
    reason: str | None
    picture: bytes
    actor: str | None = None

    @property
    def pixels(self) -> Grey:
        """The picture as uint8 (28, 28), read-only."""
        return np.frombuffer(self.picture, np.uint8).reshape(SIDE, SIDE)

    @property
    def held_out(self) -> bool:
        """Whether it is never trained on. Two rows of one picture agree about it."""
        return is_held_out(self.content_hash)


@dataclass(frozen=True)
class Usable:
    """The N corrections that a run may use, oldest first; those held out are for evaluation.

    Those `quarantined` by an earlier run are among them if that was asked for: they are looked at
    anew, and used only if their labels look right by now.

    `ids` int64 (N,); `images` uint8 (N, 28, 28); `labels` int64 (N,), the classes' numbers;
    `held_out`, `accepted` and `quarantined` bool (N,); `created_at` float64 (N,), Unix seconds; the
    lists hold N strings each, `predicted` None where it is not known.
    """

    ids: npt.NDArray[np.int64]
    images: Grey
    labels: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.bool_]
    accepted: npt.NDArray[np.bool_]
    quarantined: npt.NDArray[np.bool_]
    created_at: npt.NDArray[np.float64]
    content_hashes: list[str]
    predicted: list[str | None]
    sources: list[str]


def content_hash(picture: bytes) -> str:
    """Return the SHA-256, in hex, of a picture's 784 bytes."""
    return hashlib.sha256(picture).hexdigest()


def is_held_out(content_hash: str) -> bool:
    """Whether the picture with this hash is held out for evaluation."""
    return int(content_hash[:8], 16) % HELD_OUT_OF == 0


def list_names(class_names: Sequence[str]) -> str:
    """List classes in a sentence, the first _MAX_LISTED of them."""
    shown = ", ".join(class_names[:_MAX_LISTED])
    more = len(class_names) - _MAX_LISTED
    return f"{shown} and {more} more, see GET /classes" if more > 0 else shown


def parse_submission(
    fields: Mapping[str, str | None], labels: Mapping[str, str | None]
) -> LabelSubmission:
    """Parse a submission from the fields of a form or a table; an empty field counts as missing.

    `labels` has today's name for each name that a class has or had, None for a deleted one: a
    version may predict that still. Raises CorrectionError, which names the invalid field.
    """
    known = [name for name, today in labels.items() if name == today]
    if not fields.get("label"):
        raise CorrectionError(f"'label' is missing. Name a class: {list_names(known)}.")
    label, predicted = labels.get(str(fields["label"])), fields.get("predicted") or None
    if label is None:
        raise UnknownLabel("label", known)
    if predicted is not None and predicted not in labels:
        raise UnknownLabel("predicted", known)
    model, source = fields.get("model") or None, fields.get("source") or "api"
    if model is not None and not _MODEL.fullmatch(model):
        raise CorrectionError("'model' must be the tag of a version, as /classify returns it.")
    if not _SOURCE.fullmatch(source):
        raise CorrectionError(
            "'source' must be a word of lower-case letters and digits, such as pad."
        )
    return LabelSubmission(label, predicted, model, source)
