"""Comparison of a new version with the champion of its time, as the gate made it."""

from collections.abc import Mapping

from pydantic import AliasPath, Field

from app.clients.http import ResponseModel


class Change(ResponseModel):
    """A share, 0..1, of the champion of that time and of the new version.

    None where there was no champion, or nothing to measure on.
    """

    before: float | None = None
    after: float | None = None


class NewClass(ResponseModel):
    """How a new version does on a class that the champion did not know.

    `accuracy`, 0..1, is measured on `count` test corrections; `taken`, 0..1, is the share of the
    other classes' validation pictures that it takes for this one.
    """

    count: int
    accuracy: float | None = None
    taken: float | None = None


class Gate(ResponseModel):
    """The gate's decision: whether the new version replaced `champion`, None if it was the first.

    `reasons` are sentences that say why. `accuracy`, `calibration_error` and `per_class` (by class
    name) are measured on validation pictures, `corrections` is the accuracy on the
    `corrections_count` test corrections. `new_classes` are those that only the new version knows.
    """

    promoted: bool
    reasons: tuple[str, ...]
    champion: str | None = None
    accuracy: Change
    calibration_error: Change
    per_class: Mapping[str, Change]
    corrections: Change
    corrections_count: int = Field(validation_alias=AliasPath("corrections", "count"))
    new_classes: Mapping[str, NewClass] = {}


class Example(ResponseModel):
    """A picture on which the two versions disagree, a PNG of 28x28 pixels.

    `label` is its class, `before` and `after` are the predictions of the champion and of the new
    version. `source` is `correction` (labelled by a person) or `validation`.
    """

    label: str
    before: str | None
    after: str
    source: str = Field(validation_alias="set")
    png: bytes

    @property
    def corrected(self) -> bool:
        """Whether a person labelled it."""
        return self.source == "correction"


class Report(Gate):
    """The gate's decision, with pictures that the new version classifies better and worse."""

    better: tuple[Example, ...]
    worse: tuple[Example, ...]
