"""The part of the Metrics page about whether the answers are still right."""

from typing import Literal
from zoneinfo import ZoneInfo

import streamlit as st

from app.charts import drift as drift_charts
from app.charts import traffic
from app.clients.classifier import version_of
from app.components.chart import chart
from app.monitoring import drift
from app.monitoring.drift import ModelHealth, ShadowComparison
from app.monitoring.snapshot import Snapshot
from app.sections import model_status
from app.text.correction_states import REVIEW_REQUESTED
from app.text.formatting import counted, percent

CHART_HEIGHT = 230
CLASSES_HEIGHT = 300

_Colour = Literal["off", "orange", "red"]
_COLOURS: dict[str, _Colour] = {"steady": "off", "moving": "orange", "drifted": "red"}
_ANSWERS = "How they are spread over the classes, against those to validation pictures."
_PICTURES = "How bright they are, against validation pictures."
_RECORDED = (
    "wardrobe:estimated_accuracy:ratio5m",
    "wardrobe:predictions:psi5m",
    "wardrobe:shadow_agreement:ratio5m",
)


def show(view: Snapshot, zone: ZoneInfo, *, revision: str) -> None:
    """The estimate, the drift, the classes that moved, and the shadow.

    `revision` changes when the charts shall forget how they were zoomed.
    """
    standing, beside = drift.model_health(view), drift.shadow_comparison(view)
    with st.container(border=True, key="metrics_right"):
        st.markdown("## Is it still right?")
        st.markdown(sentence(standing))
        if standing.model and not standing.has_baseline:
            st.page_link(
                "views/retrain.py", label="Train a version", icon=":material/arrow_forward:"
            )
        _tiles(standing, beside)
        _charts(view, zone, revision)
        if standing.shares:
            figure = drift_charts.moved(standing.shares)
            chart(figure, key="metrics_moved", height=CLASSES_HEIGHT)
        _show_shadow(beside)


def sentence(standing: ModelHealth) -> str:
    """What is known, or why nothing is."""
    if standing.model is None:
        return "No version answers, so there is nothing to tell."
    version = version_of(standing.model)
    if not standing.has_baseline:
        return (
            f"That cannot be told of version **{version}**: it has no baseline to hold pictures "
            "against. A version that is trained now brings one."
        )
    if not standing.is_known:
        there = counted(standing.pictures, "picture") if standing.pictures else "no picture"
        return (
            f"**Too few pictures to tell:** {there} in the last {drift.WINDOW}. It takes "
            f"{drift.ENOUGH_PICTURES}, because fewer look different by chance alone."
        )
    said = (
        f"{counted(standing.pictures, 'picture')} in the last {drift.WINDOW}, and nobody has "
        "labelled them. "
    )
    if standing.accuracy is None:
        return f"{said}Version **{version}** cannot estimate how many it names right."
    return (
        f"{said}Version **{version}** expects to have named {percent(standing.accuracy)} of them "
        "right. That is an estimate: only people who say what pictures show can prove it."
    )


def _tiles(standing: ModelHealth, beside: ShadowComparison | None) -> None:
    if not standing.is_known and beside is None:
        return
    with st.container(key="metrics_right_tiles"):
        if standing.accuracy is not None:
            tested = model_status.tested_accuracy(standing.model)
            _tile(
                "Estimated accuracy",
                percent(standing.accuracy),
                "not tested" if tested is None else f"{percent(tested)} when tested",
            )
        _drift_tile("Answers", standing.predictions_psi, _ANSWERS)
        _drift_tile("Pictures", standing.inputs_psi, _PICTURES)
        if beside is not None and beside.agreement is not None:
            _tile(
                "Shadow agrees",
                percent(beside.agreement),
                f"on {counted(beside.compared, 'picture')}",
                help="How often the version in the shadow says what the one that is served says.",
            )


def _drift_tile(label: str, index: float | None, meaning: str) -> None:
    if index is None:
        return
    word = drift.drift_level(index)
    _tile(
        label,
        word.capitalize(),
        f"index {index:.2f}",
        help=f"{meaning} Steady up to {drift.MOVING}, drifted above {drift.DRIFTED}.",
        colour=_COLOURS[word],
    )


def _tile(
    label: str, value: str, beside: str, *, help: str | None = None, colour: _Colour = "off"
) -> None:
    st.metric(
        label,
        value,
        beside,
        delta_color=colour,
        delta_arrow="off",
        border=True,
        height="stretch",
        help=help,
    )


def _charts(view: Snapshot, zone: ZoneInfo, revision: str) -> None:
    """Both over time, if there is anything to draw."""
    if not any(view.window.select(name) for name in _RECORDED):
        return
    picture = traffic.Picture(view.window, zone, view.promotions())
    shown = (
        ("drift", drift_charts.drift(picture)),
        ("certainty", drift_charts.certainty(picture)),
    )
    for column, (name, figure) in zip(st.columns(2), shown, strict=True):
        with column:
            figure.layout.uirevision = revision
            chart(traffic.or_nothing(figure), key=f"metrics_{name}", height=CHART_HEIGHT)


def _show_shadow(beside: ShadowComparison | None) -> None:
    """Which version is in the shadow and what it says, and the way to set or stop it."""
    st.markdown(f"**In the shadow.** {shadow_sentence(beside)}")
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            "views/models.py",
            label="Set or stop the shadow" if beside else "Choose a version for the shadow",
            icon=":material/arrow_forward:",
        )
        if beside:
            st.page_link(
                "views/corrections.py",
                label="See where they disagree",
                icon=":material/arrow_forward:",
                query_params={"state": REVIEW_REQUESTED},
            )


def shadow_sentence(beside: ShadowComparison | None) -> str:
    """Which version it is, and what it did in the window."""
    if beside is None:
        return (
            "No version. One that runs there answers the same pictures, and nobody waits for it: "
            "where it disagrees with the one that is served, pictures are put in question."
        )
    version = version_of(beside.model)
    if beside.agreement is None:
        return f"Version **{version}** is loaded, and has answered nothing in {drift.WINDOW}."
    said = (
        f"Version **{version}** says the same on {percent(beside.agreement)} of "
        f"{counted(beside.compared, 'picture')} of the last {drift.WINDOW}."
    )
    if beside.dropped:
        said += f" It had no time for {beside.dropped:,} more."
    return said
