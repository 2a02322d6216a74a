"""Two versions side by side, in a small table: accuracy, test corrections, the worst classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from app.clients.gate import Change, Gate
from app.clients.trainer import Model
from app.text.formatting import out_of, percent, points
from app.text.translate import _

WORST_CLASSES = 4
"""Rows at most for classes on which the new version is worse."""

_LEAST_LOSS = 0.0005  # of a share: what shows as 0.1 points


@dataclass(frozen=True)
class Row:
    """One figure of both versions as text, `change` from one to the other."""

    name: str
    before: str
    after: str
    change: str
    is_worse: bool


@dataclass(frozen=True)
class Comparison:
    """A version beside another: `before` and `after` are their names, `measured` says on what."""

    before: str
    after: str
    measured: str
    rows: Sequence[Row]


def with_live(model: Model, live: Model) -> Comparison:
    """Compare a version with the live one.

    By the gate's figures if it compared just these two, else by those on the test pictures.
    """
    gate = model.gate
    if gate is not None and gate.champion == live.tag:
        return Comparison(live.name, model.name, _("On validation pictures"), gate_rows(gate))
    by_class = {
        name: Change(before=live.per_class_accuracy.get(name), after=share)
        for name, share in model.per_class_accuracy.items()
    }
    rows = [
        *_share_row(_("Accuracy"), Change(before=live.accuracy, after=model.accuracy)),
        *_calibration_row(Change(before=_calibration(live), after=_calibration(model))),
        *_class_rows(by_class),
    ]
    return Comparison(live.name, model.name, _("On test pictures"), rows)


def gate_rows(gate: Gate) -> list[Row]:
    """Return the gate's figures, those of classes only where the new version is worse."""
    rows = _share_row(_("Accuracy"), gate.accuracy)
    corrections, count = gate.corrections, gate.corrections_count
    if corrections.before is not None and corrections.after is not None and count:
        before, after = out_of(corrections.before, count), out_of(corrections.after, count)
        change = round((corrections.after - corrections.before) * count)
        rows.append(Row(_("Test corrections"), before, after, f"{change:+d}", change < 0))
    return [*rows, *_calibration_row(gate.calibration_error), *_class_rows(gate.per_class)]


def table_html(found: Comparison) -> str:
    """Return the table as HTML."""
    head = "".join(f'<th scope="col">{escape(it)}</th>' for it in (found.before, found.after))
    body = "".join(
        f'<tr{" class=worse" if row.is_worse else ""}><th scope="row">{escape(row.name)}</th>'
        f"<td>{escape(row.before)}</td><td>{escape(row.after)}</td><td>{escape(row.change)}</td></tr>"
        for row in found.rows
    )
    return (
        f'<table class="comparison"><caption>{escape(found.measured)}</caption>'
        f'<thead><tr><td></td>{head}<th scope="col">{_("Change")}</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _share_row(name: str, change: Change) -> list[Row]:
    if change.before is None or change.after is None:
        return []
    gain = change.after - change.before
    return [
        Row(name, percent(change.before), percent(change.after), points(gain), gain < -_LEAST_LOSS)
    ]


def _calibration_row(change: Change) -> list[Row]:
    """Of an error, less is better."""
    return [
        Row(row.name, row.before, row.after, row.change, is_worse=row.change.startswith("+"))
        for row in _share_row(_("Calibration error"), change)
    ]


def _class_rows(by_class: Mapping[str, Change]) -> list[Row]:
    losses = sorted(
        (change.after - change.before, name)
        for name, change in by_class.items()
        if change.before is not None and change.after is not None
    )
    worst = [name for gain, name in losses if gain < -_LEAST_LOSS][:WORST_CLASSES]
    return [row for name in worst for row in _share_row(name, by_class[name])]


def _calibration(model: Model) -> float | None:
    value = model.metadata.get("calibration_error")
    return float(value) if isinstance(value, int | float) else None
