"""The details of one version, in tabs: how it compared, its classes, its training, promotions."""

from collections.abc import Callable
from html import escape

import streamlit as st

from app.charts import per_class
from app.clients.trainer import Model
from app.components.chart import chart
from app.sections import gate_report, promotion, training_charts
from app.text.formatting import duration, moment, percent, size
from app.text.translate import N_, _

CLASSES_HEIGHT = 380
CONFUSION_HEIGHT = 420

COMPARED, CLASSES, TRAINING, PROMOTIONS = (
    N_("Compared"),
    N_("Classes"),
    N_("Training"),
    N_("Promotions"),
)


def render_details(model: Model, others: list[Model]) -> None:
    """Render the tabs that a version has something for; only the open one is drawn.

    `others` are versions to compare it with, the default first.
    """
    parts: dict[str, Callable[[], None]] = {}
    if model.gate is not None and model.gate.champion is not None:
        parts[COMPARED] = lambda: gate_report.render_gate_report(model)
    if model.per_class_accuracy:
        parts[CLASSES] = lambda: _render_classes(model, others)
    parts[TRAINING] = lambda: _render_training(model)
    if model.promotions:
        parts[PROMOTIONS] = lambda: promotion.render_promotions(model.promotions)
    tabs = st.tabs([_(name) for name in parts], key=f"part_{model.version}", on_change="rerun")
    for tab, render in zip(tabs, parts.values(), strict=True):
        if tab.open:
            with tab:
                render()
    st.page_link(
        "views/about.py",
        label=_("About {name}").format(name=model.name),
        icon=":material/description:",
        query_params={"version": model.name},
    )


def _render_training(model: Model) -> None:
    metadata = model.metadata
    facts = {
        _("Trained"): moment(model.created_at),
        _("Recipe"): metadata.get("recipe"),
        _("Network"): metadata.get("network"),
        _("Parameters"): _thousands(metadata.get("parameters")),
        _("Epochs"): metadata.get("epochs"),
        _("Duration"): _duration(metadata.get("duration_seconds")),
        _("Validation accuracy"): _percent(metadata.get("validation_accuracy")),
        _("Calibration error"): _percent(metadata.get("calibration_error")),
        _("Temperature"): _decimals(metadata.get("temperature")),
        _("Author"): metadata.get("author"),
        _("Seed"): metadata.get("seed"),
        _("Corrections used"): len(metadata.get("corrections_used") or ()),
        _("Size"): size(model.size_bytes),
        _("Tag"): model.tag,
        _("Code"): _short(metadata.get("git_revision")),
        _("Data"): _short(metadata.get("data_fingerprint")),
        _("Checksums"): _("Match") if model.verified else _("None: stored by an earlier release"),
    }
    st.html(
        '<dl class="facts">'
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
            for name, value in facts.items()
            if value is not None
        )
        + "</dl>"
    )
    st.page_link(
        "views/about.py",
        label=_("About this version, in words"),
        query_params={"version": model.name},
    )
    training_charts.render_version_charts(model.epochs, key=model.version)


def _render_classes(model: Model, others: list[Model]) -> None:
    """Render the accuracy by class, beside another version if one has the same, and confusion."""
    by_version = {other.version: other for other in others if other.per_class_accuracy}
    height = per_class.height_for(len(model.per_class_accuracy), CLASSES_HEIGHT)
    other = None
    if by_version:
        chosen = st.selectbox(
            _("Compare with"),
            list(by_version),
            format_func=lambda version: per_class.version_label(by_version[version]),
            key=f"compare_{model.version}",
        )
        other = by_version[chosen]
    left, right = st.columns(2, gap="medium")
    with left:
        figure = per_class.accuracy_chart(model, other)
        chart(figure, key=f"classes_{model.version}", height=height)
    if other is not None:
        with right:
            figure = per_class.comparison_chart(model, other)
            chart(figure, key=f"gains_{model.version}", height=height)
    _render_confusion_matrix(model)


def _render_confusion_matrix(model: Model) -> None:
    matrix, names = model.metadata.get("confusion_matrix"), model.metadata.get("class_names")
    if not matrix or not names:
        return
    figure = per_class.confusion_matrix_chart(matrix, names)
    height = per_class.height_for(len(names), CONFUSION_HEIGHT)
    chart(figure, key=f"mistakes_{model.version}", height=height)
    st.caption(_("Test pictures. Rows: true class. Columns: predicted class."))


def _percent(value: object) -> str | None:
    return percent(value) if isinstance(value, int | float) else None


def _duration(value: object) -> str | None:
    return duration(value) if isinstance(value, int | float) else None


def _short(fingerprint: object) -> str | None:
    return fingerprint[:12] if isinstance(fingerprint, str) else None


def _thousands(value: object) -> str | None:
    return f"{value:,.0f}" if isinstance(value, int | float) else None


def _decimals(value: object) -> str | None:
    return f"{value:.2f}" if isinstance(value, int | float) else None
