"""The gate's report on a version: what got better and worse, class by class and in pictures."""

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
from app.text.formatting import bullets, counted, percent, plain
from app.text.images import data_url

CLASSES_HEIGHT = 380


def show(model: Model) -> None:
    """The report of a version that was compared with the one before it; nothing of another."""
    gate = model.gate
    if gate is None or gate.champion is None:
        return
    before = version_of(gate.champion)
    st.markdown(f"## Compared with {before}, which was served then")
    if model.status != "candidate":  # whose card says why it waits
        st.markdown(f"{_verdict(gate)}\n\n{bullets(gate.reasons)}")
    st.html(_figures(gate))
    title = f"Validation pictures: better or worse than {before}, in points"
    figure = per_class.changed(gate.per_class, than=before, title=title)
    figure.update_layout(margin_t=8)  # nothing stands beside it
    chart(figure, key=f"gate_{model.version}", height=CLASSES_HEIGHT)
    try:
        report = trainer.report(model.version)
    except ServiceError as error:
        st.info(f"There are no pictures to show. {plain(error.message)}")
        return
    better, worse = st.columns(2, gap="medium")
    with better:
        _pictures("What got better", report.better)
    with worse:
        _pictures("What got worse", report.worse)


def _verdict(gate: Gate) -> str:
    return "It took its place:" if gate.promoted else "It was held back:"


def _figures(gate: Gate) -> str:
    """The figures that the gate looked at, before and after, as a list of names and values."""
    figures = {
        "Validation accuracy": gate.accuracy,
        "Calibration error": gate.calibration_error,
        f"Right of the {counted(gate.corrections_count, 'correction')} kept": gate.corrections,
    }
    return (
        '<dl class="facts">'
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{_change(change)}</dd></div>"
            for name, change in figures.items()
            if change.after is not None
        )
        + "</dl>"
    )


def _change(change: Change) -> str:
    shares = [percent(share) for share in (change.before, change.after) if share is not None]
    return " → ".join(shares)


def _pictures(title: str, examples: Sequence[Example]) -> None:
    """At most a few of each class, as the trainer chose them."""
    st.markdown(f"### {title}")
    if not examples:
        st.caption("No picture.")
        return
    st.html(f'<ul class="examples">{"".join(_picture(one) for one in examples)}</ul>')


def _picture(one: Example) -> str:
    said = f"said {escape(one.before)}, now " if one.before is not None else "now "
    whence = "<small>A correction</small>" if one.corrected else ""
    return (
        f'<li><img src="{data_url(one.png)}" alt="{escape(one.label)}, as the model sees it">'
        f"<span><b>{escape(one.label)}</b>: {said}{escape(one.after)}{whence}</span></li>"
    )
