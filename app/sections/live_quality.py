"""Model health on the Metrics page: estimated accuracy, drift, unknown pictures, shadow test."""

from typing import Literal
from zoneinfo import ZoneInfo

import streamlit as st

from app.charts import drift as drift_charts
from app.charts import per_class, traffic
from app.clients.classifier import version_of
from app.components.chart import chart
from app.monitoring import drift
from app.monitoring.drift import ModelHealth, ShadowComparison
from app.monitoring.snapshot import Snapshot
from app.sections import model_status
from app.text.correction_states import REVIEW_REQUESTED
from app.text.formatting import counted, percent, plain

CHART_HEIGHT = 230
CLASSES_HEIGHT = 300

_Colour = Literal["off", "orange", "red"]
_COLOURS: dict[str, _Colour] = {"steady": "off", "moving": "orange", "drifted": "red"}
_PREDICTIONS_HELP = "Compares the predicted classes with those on validation pictures."
_INPUTS_HELP = "Compares the brightness of pictures with validation pictures."
_RECORDED = (
    "wardrobe:estimated_accuracy:ratio5m",
    "wardrobe:predictions:psi5m",
    "wardrobe:unknown_pictures:ratio5m",
    "wardrobe:shadow_agreement:ratio5m",
)


def render_model_health(snapshot: Snapshot, zone: ZoneInfo, *, revision: str) -> None:
    """Render the estimated accuracy, the drift, the changed classes, and the shadow test.

    A new `revision` resets the zoom of the charts.
    """
    health, comparison = drift.model_health(snapshot), drift.shadow_comparison(snapshot)
    with st.container(border=True, key="metrics_health"):
        st.markdown("## Model health")
        st.markdown(health_summary(health))
        if health.model and not health.has_baseline:
            st.page_link(
                "views/retrain.py", label="Train a version", icon=":material/arrow_forward:"
            )
        _render_tiles(health, comparison)
        _render_charts(snapshot, zone, revision)
        if health.shares:
            figure = drift_charts.share_chart(health.shares)
            height = per_class.height_for(len(health.shares), CLASSES_HEIGHT)
            chart(figure, key="metrics_moved", height=height)
        _render_shadow(comparison)


def health_summary(health: ModelHealth) -> str:
    """Return the estimated accuracy as text, or why it is unknown."""
    if health.model is None:
        return "No version is live."
    version = plain(version_of(health.model))
    if not health.has_baseline:
        return (
            f"Version **{version}** has no baseline to compare pictures with. "
            "Train a new version to get one."
        )
    if not health.is_known:
        return (
            f"**Not enough pictures:** {health.pictures:,} in the last {drift.WINDOW}. "
            f"At least {drift.ENOUGH_PICTURES} are needed for an estimate."
        )
    pictures = f"{counted(health.pictures, 'picture')} in the last {drift.WINDOW}"
    if health.accuracy is None:
        return f"{pictures}. Version **{version}** has no accuracy estimate."
    return (
        f"Estimated accuracy of version **{version}**: {percent(health.accuracy)} on {pictures}. "
        "Label some pictures to check."
    )


def _render_tiles(health: ModelHealth, comparison: ShadowComparison | None) -> None:
    if not health.is_known and comparison is None:
        return
    with st.container(key="metrics_health_tiles"):
        if health.accuracy is not None:
            tested = model_status.tested_accuracy(health.model)
            _render_tile(
                "Estimated accuracy",
                percent(health.accuracy),
                "not tested" if tested is None else f"{percent(tested)} in testing",
            )
        _render_drift_tile("Prediction drift", health.predictions_psi, _PREDICTIONS_HELP)
        _render_drift_tile("Input drift", health.inputs_psi, _INPUTS_HELP)
        if health.unknown is not None:
            _render_tile(
                "Unknown pictures",
                percent(health.unknown),
                f"{percent(drift.EXPECTED_UNKNOWN, 0)} expected",
                help="Pictures that are like none that the live version was trained on.",
                colour="red" if health.unknown > drift.MANY_UNKNOWN else "off",
            )
        if comparison is not None and comparison.agreement is not None:
            _render_tile(
                "Shadow agreement",
                percent(comparison.agreement),
                f"on {counted(comparison.compared, 'picture')}",
                help="How often the shadow version agrees with the live version.",
            )


def _render_drift_tile(label: str, index: float | None, meaning: str) -> None:
    if index is None:
        return
    level = drift.drift_level(index)
    _render_tile(
        label,
        level.capitalize(),
        f"PSI {index:.2f}",
        help=(
            f"{meaning} The population stability index (PSI) is steady up to {drift.MOVING} and "
            f"drifted above {drift.DRIFTED}."
        ),
        colour=_COLOURS[level],
    )


def _render_tile(
    label: str, value: str, detail: str, *, help: str | None = None, colour: _Colour = "off"
) -> None:
    st.metric(
        label,
        value,
        detail,
        delta_color=colour,
        delta_arrow="off",
        border=True,
        height="stretch",
        help=help,
    )


def _render_charts(snapshot: Snapshot, zone: ZoneInfo, revision: str) -> None:
    """Render drift, unknown pictures and accuracy over time, if there is data."""
    if not any(snapshot.window.select(name) for name in _RECORDED):
        return
    context = traffic.ChartContext(snapshot.window, zone, snapshot.promotions())
    beside_each_other = st.columns(2)
    figures = (
        (beside_each_other[0], "drift", drift_charts.drift_chart(context)),
        (beside_each_other[1], "unknown", drift_charts.unknown_chart(context)),
        (st.container(), "certainty", drift_charts.accuracy_chart(context)),
    )
    for place, name, figure in figures:
        with place:
            figure.layout.uirevision = revision
            chart(traffic.or_no_data(figure), key=f"metrics_{name}", height=CHART_HEIGHT)


def _render_shadow(comparison: ShadowComparison | None) -> None:
    """Render the state of the shadow test, with links to manage it."""
    st.markdown(f"**Shadow test.** {shadow_summary(comparison)}")
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            "views/models.py",
            label="Manage the shadow test" if comparison else "Start a shadow test",
            icon=":material/arrow_forward:",
        )
        if comparison:
            st.page_link(
                "views/corrections.py",
                label="Review disagreements",
                icon=":material/arrow_forward:",
                query_params={"state": REVIEW_REQUESTED},
            )


def shadow_summary(comparison: ShadowComparison | None) -> str:
    """Return the results of the shadow test as text."""
    if comparison is None:
        return (
            "Not running. A shadow version answers the same pictures as the live version, unseen. "
            "You can review pictures on which they disagree."
        )
    version = plain(version_of(comparison.model))
    if comparison.agreement is None:
        return f"Version **{version}** has answered no pictures in the last {drift.WINDOW}."
    summary = (
        f"Version **{version}** agrees with the live version on {percent(comparison.agreement)} "
        f"of {counted(comparison.compared, 'picture')} in the last {drift.WINDOW}."
    )
    if comparison.dropped:
        summary += f" Skipped {comparison.dropped:,} more when busy."
    return summary
