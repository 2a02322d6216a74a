"""Report of the promotion gate on a version: metrics, classes and example pictures."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.charts import per_class
from app.clients import trainer
from app.clients.classifier import version_of
from app.clients.gate import Change, Example, Gate
from app.clients.http import ServiceError
from app.clients.trainer import Model
from app.components.chart import chart
from app.sections.teaching import own_classes
from app.text.formatting import bullets, out_of, percent, plain
from app.text.images import data_url

CLASSES_HEIGHT = 380


def render_gate_report(model: Model) -> None:
    """Render the report of a version that the gate compared with another; nothing otherwise."""
    gate = model.gate
    if gate is None or gate.champion is None:
        return
    before = version_of(gate.champion)
    st.markdown(f"## Compared with {plain(before)}, live at the time")
    if model.status != "candidate":  # a candidate's card lists the reasons already
        decision = "Promoted:" if gate.promoted else "Not promoted:"
        st.markdown(f"{decision}\n\n{bullets(gate.reasons)}")
    st.html(_metrics_html(gate))
    for line in own_classes.new_class_lines(gate):
        st.markdown(line)
    title = f"Validation accuracy compared with {before}, in points"
    figure = per_class.change_chart(gate.per_class, than=before, title=title)
    figure.update_layout(margin_t=8)  # no chart with a legend stands beside it
    height = per_class.height_for(len(figure.data[0].y), CLASSES_HEIGHT)
    chart(figure, key=f"gate_{model.version}", height=height)
    try:
        report = trainer.report(model.version)
    except ServiceError as error:
        st.info(f"No pictures to show. {plain(error.message)}")
        return
    better, worse = st.columns(2, gap="medium")
    with better:
        _render_examples("What got better", report.better)
    with worse:
        _render_examples("What got worse", report.worse)


def _metrics_html(gate: Gate) -> str:
    """Return the gate's metrics, before and after, as a list of names and values."""
    metrics = {
        "Validation accuracy": _change_text(gate.accuracy),
        "Calibration error": _change_text(gate.calibration_error),
        "Test corrections right": _change_text(gate.corrections, of=gate.corrections_count),
    }
    return (
        '<dl class="facts">'
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{text}</dd></div>"
            for name, text in metrics.items()
            if text
        )
        + "</dl>"
    )


def _change_text(change: Change, *, of: int | None = None) -> str:
    """Return `before → after` in percent, or in counts if `of` is the total; empty if unknown."""
    if change.after is None:
        return ""
    shares = [share for share in (change.before, change.after) if share is not None]
    return " → ".join(percent(share) if of is None else out_of(share, of) for share in shares)


def _render_examples(title: str, examples: Sequence[Example]) -> None:
    """Render at most a few pictures of each class, as the trainer chose them."""
    st.markdown(f"### {title}")
    if not examples:
        st.caption("No pictures")
        return
    st.html(f'<ul class="examples">{"".join(_example_html(one) for one in examples)}</ul>')


def _example_html(example: Example) -> str:
    before = f"was {escape(example.before)}, " if example.before is not None else ""
    origin = "<small>Your correction</small>" if example.corrected else ""
    label = escape(example.label)
    return (
        f'<li><img src="{data_url(example.png)}" alt="What the model sees: {label}">'
        f"<span><b>{label}</b>: {before}now {escape(example.after)}{origin}</span></li>"
    )
