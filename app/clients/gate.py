"""What the gate found when it compared a new version with the one that was served then."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """A share, 0..1, of the version that was served then and of the new one.

    None where there was no version before, or nothing to measure on.
    """

    before: float | None
    after: float | None


@dataclass(frozen=True)
class Gate:
    """Whether the new version took the place of `champion`, None if there was none before it.

    `reasons` are sentences: what held it back, or why it was promoted. `accuracy`,
    `calibration_error` and `per_class` (by class name) are of validation pictures,
    `corrections` is the accuracy on the `corrections_count` ones that no run trains on.
    """

    promoted: bool
    reasons: tuple[str, ...]
    champion: str | None
    accuracy: Change
    calibration_error: Change
    per_class: Mapping[str, Change]
    corrections: Change
    corrections_count: int


@dataclass(frozen=True)
class Example:
    """A picture that the two versions name differently, a PNG of 28x28 pixels.

    `label` is what it shows, `before` and `after` what the version served then and the new one
    say. `corrected`: a person said what it shows; else it is a validation picture.
    """

    label: str
    before: str | None
    after: str
    corrected: bool
    png: bytes


@dataclass(frozen=True)
class Report:
    """What the gate found, with pictures of what the new version names better and worse."""

    gate: Gate
    better: tuple[Example, ...]
    worse: tuple[Example, ...]


def gate_of(raw: Any) -> Gate:
    """The gate's verdict in the trainer's JSON. A version's metadata leaves out what is not known.

    Raises AttributeError, KeyError, TypeError or ValueError if it is of another shape.
    """
    held_out = raw["corrections"]
    return Gate(
        promoted=bool(raw["promoted"]),
        reasons=tuple(str(reason) for reason in raw["reasons"]),
        champion=raw.get("champion"),
        accuracy=_change(raw["accuracy"]),
        calibration_error=_change(raw["calibration_error"]),
        per_class={str(name): _change(change) for name, change in raw["per_class"].items()},
        corrections=_change(held_out),
        corrections_count=int(held_out["count"]),
    )


def report_of(raw: Any) -> Report:
    """A report in the trainer's JSON. Raises what `gate_of` raises."""
    return Report(
        gate=gate_of(raw),
        better=tuple(_example(one) for one in raw["better"]),
        worse=tuple(_example(one) for one in raw["worse"]),
    )


def _change(raw: Any) -> Change:
    return Change(_share(raw.get("before")), _share(raw.get("after")))


def _share(raw: Any) -> float | None:
    return None if raw is None else float(raw)


def _example(raw: Any) -> Example:
    return Example(
        label=str(raw["label"]),
        before=None if raw["before"] is None else str(raw["before"]),
        after=str(raw["after"]),
        corrected=raw["set"] == "correction",
        png=base64.b64decode(raw["png"], validate=True),
    )
