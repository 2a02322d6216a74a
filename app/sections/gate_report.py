"""Report of the promotion gate on a version: metrics, classes and example pictures."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.charts import per_class
from app.clients import trainer
from app.clients.gate import Example
from app.clients.http import ServiceError
from app.clients.trainer import Model
from app.clients.version_names import version_name
from app.components.chart import chart
from app.sections.teaching import own_classes
from app.sections.versions import comparison
from app.text.formatting import bullets, plain
from app.text.images import data_url
from app.text.translate import _

CLASSES_HEIGHT = 380


def render_gate_report(model: Model) -> None:
    """Render the report of a version that the gate compared with another; nothing otherwise."""
    gate = model.gate
    if gate is None or gate.champion is None:
        return
    before = version_name(gate.champion)
    decision = _("Promoted:") if gate.promoted else _("Not promoted:")
    st.markdown(f"{decision}\n\n{bullets(gate.reasons)}")
    measured = _("On validation pictures. {name} was live at the time.").format(name=before)
    rows = comparison.gate_rows(gate)
    if rows:
        found = comparison.Comparison(before, model.name, measured, rows)
        st.html(comparison.table_html(found))
    for line in own_classes.new_class_lines(gate):
        st.markdown(line)
    title = _("Validation accuracy compared with {name}, in points").format(name=before)
    figure = per_class.change_chart(gate.per_class, than=before, title=title)
    figure.update_layout(margin_t=8)  # no chart with a legend stands beside it
    height = per_class.height_for(len(figure.data[0].y), CLASSES_HEIGHT)
    chart(figure, key=f"gate_{model.version}", height=height)
    try:
        report = trainer.report(model.version)
    except ServiceError as error:
        st.info(f"{_('No pictures to show.')} {plain(error.message)}")
        return
    better, worse = st.columns(2, gap="medium")
    with better:
        _render_examples(_("What got better"), report.better)
    with worse:
        _render_examples(_("What got worse"), report.worse)


def _render_examples(title: str, examples: Sequence[Example]) -> None:
    """Render at most a few pictures of each class, as the trainer chose them."""
    st.markdown(f"### {title}")
    if not examples:
        st.caption(_("No pictures"))
        return
    st.html(f'<ul class="examples">{"".join(_example_html(one) for one in examples)}</ul>')


def _example_html(example: Example) -> str:
    label, after = escape(example.label), escape(example.after)
    if example.before is None:
        text = _("{label}: now {after}").format(label=f"<b>{label}</b>", after=after)
    else:
        text = _("{label}: was {before}, now {after}").format(
            label=f"<b>{label}</b>", before=escape(example.before), after=after
        )
    origin = f"<small>{_('Your correction')}</small>" if example.corrected else ""
    seen = escape(_("What the model sees: {label}").format(label=example.label))
    return f'<li><img src="{data_url(example.png)}" alt="{seen}"><span>{text}{origin}</span></li>'
