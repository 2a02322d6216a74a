"""Model health on the Metrics page: estimated accuracy, drift, unknown pictures, shadow test."""

from typing import Literal
from zoneinfo import ZoneInfo

import streamlit as st

from app.charts import drift as drift_charts
from app.charts import per_class, traffic
from app.charts.timeline import ChartContext
from app.clients.version_names import version_name
from app.components.chart import chart
from app.monitoring import drift
from app.monitoring.drift import ModelHealth, ShadowComparison
from app.monitoring.snapshot import Snapshot
from app.sections import model_status
from app.sections.metrics.traffic import open_version
from app.text.correction_states import REVIEW_REQUESTED
from app.text.formatting import percent, plain
from app.text.translate import N_, _, ngettext

CHART_HEIGHT = 230
CLASSES_HEIGHT = 300

_Colour = Literal["off", "orange", "red"]
_COLOURS: dict[str, _Colour] = {"steady": "off", "moving": "orange", "drifted": "red"}
_LEVELS = {"steady": N_("Steady"), "moving": N_("Moving"), "drifted": N_("Drifted")}
_PREDICTIONS_HELP = N_("Compares the predicted classes with those on validation pictures.")
_INPUTS_HELP = N_("Compares the brightness of pictures with validation pictures.")
SERIES = (
    "wardrobe:estimated_accuracy:ratio5m",
    "wardrobe:predictions:psi5m",
    "wardrobe:brightness:psi5m",
    "wardrobe:unknown_pictures:ratio5m",
    "wardrobe:shadow_agreement:ratio5m",
)
"""Series of the charts."""


def render_model_health(snapshot: Snapshot, zone: ZoneInfo, *, revision: str) -> None:
    """Render the estimated accuracy, the drift, the changed classes, and the shadow test.

    A new `revision` resets the zoom of the charts.
    """
    if not snapshot.status.is_up("classifier"):
        with st.container():
            st.info(
                _("Waiting for the classifier. The health of its model is shown when it is back.")
            )
        return
    health = drift.model_health(snapshot.status)
    comparison = drift.shadow_comparison(snapshot.status)
    with st.container(key="metrics_health"):
        st.markdown(health_summary(health))
        if health.model and not health.has_baseline:
            st.page_link(
                "views/retrain.py", label=_("Train a version"), icon=":material/arrow_forward:"
            )
        _render_tiles(health, comparison)
        _render_charts(snapshot, zone, revision)
        if health.shares:
            figure = drift_charts.share_chart(health.shares)
            height = per_class.height_for(len(health.shares), CLASSES_HEIGHT)
            with st.container(border=True):
                chart(figure, key="metrics_moved", height=height, note=_note())
        _render_shadow(comparison)
        st.caption(_("Bursts from this page are left out of all figures here."))


def health_summary(health: ModelHealth) -> str:
    """Return the estimated accuracy as text, or why it is unknown."""
    if health.model is None:
        return _("No version is live.")
    version = plain(version_name(health.model))
    if not health.has_baseline:
        return _(
            "**{version}** has no baseline to compare pictures with. "
            "Train a new version to get one."
        ).format(version=version)
    if not health.is_known:
        return _(
            "**Not enough pictures:** {count} in the last five minutes. "
            "At least {least} are needed for an estimate."
        ).format(count=f"{health.pictures:,}", least=drift.ENOUGH_PICTURES)
    values = {"version": version, "count": f"{health.pictures:,}"}
    if health.accuracy is None:
        return ngettext(
            "{count} picture in the last five minutes. **{version}** has no accuracy estimate.",
            "{count} pictures in the last five minutes. **{version}** has no accuracy estimate.",
            health.pictures,
        ).format(**values)
    return ngettext(
        "Estimated accuracy of **{version}**: {share} on {count} picture in the last five "
        "minutes. Label some pictures to check.",
        "Estimated accuracy of **{version}**: {share} on {count} pictures in the last five "
        "minutes. Label some pictures to check.",
        health.pictures,
    ).format(**values, share=percent(health.accuracy))


def _render_tiles(health: ModelHealth, comparison: ShadowComparison | None) -> None:
    if not health.is_known and comparison is None:
        return
    with st.container(key="metrics_health_tiles"):
        if health.accuracy is not None:
            tested = model_status.tested_accuracy(health.model)
            _render_tile(
                _("Estimated accuracy"),
                percent(health.accuracy),
                _("not tested")
                if tested is None
                else _("{share} in testing").format(share=percent(tested)),
            )
        _render_drift_tile(_("Prediction drift"), health.predictions_psi, _(_PREDICTIONS_HELP))
        _render_drift_tile(_("Input drift"), health.inputs_psi, _(_INPUTS_HELP))
        if health.unknown is not None:
            _render_tile(
                _("Unknown pictures"),
                percent(health.unknown),
                _("{share} expected").format(share=percent(drift.EXPECTED_UNKNOWN, 0)),
                help=_("Pictures that are like none that the live version was trained on."),
                colour="red" if health.unknown > drift.MANY_UNKNOWN else "off",
            )
        if comparison is not None and comparison.agreement is not None:
            _render_tile(
                _("Shadow agreement"),
                percent(comparison.agreement),
                ngettext("on {count} picture", "on {count} pictures", comparison.compared).format(
                    count=f"{comparison.compared:,}"
                ),
                help=_("How often the shadow version agrees with the live version."),
            )


def _render_drift_tile(label: str, index: float | None, meaning: str) -> None:
    if index is None:
        return
    level = drift.drift_level(index)
    scale = _(
        "The population stability index (PSI) is steady up to {moving} and drifted above {drifted}."
    )
    _render_tile(
        label,
        _(_LEVELS[level]),
        f"PSI {index:.2f}",
        help=f"{meaning} {scale.format(moving=drift.MOVING, drifted=drift.DRIFTED)}",
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


def _note() -> str:
    return _("over 5 min")


def _render_charts(snapshot: Snapshot, zone: ZoneInfo, revision: str) -> None:
    """Render drift, unknown pictures and accuracy over time, if there is data."""
    if not any(snapshot.window.select(name) for name in SERIES):
        return
    context = ChartContext(snapshot.window, zone, snapshot.promotions(), snapshot.load_tests())
    beside_each_other = st.columns(2)
    figures = (
        (beside_each_other[0], "drift", drift_charts.drift_chart(context)),
        (beside_each_other[1], "unknown", drift_charts.unknown_chart(context)),
        (st.container(), "certainty", drift_charts.accuracy_chart(context)),
    )
    for place, name, figure in figures:
        with place.container(border=True):
            figure.layout.uirevision = revision
            mark = chart(
                traffic.or_no_data(figure),
                key=f"metrics_{name}",
                height=CHART_HEIGHT,
                note=_note(),
            )
        if mark:
            open_version(mark)


def _render_shadow(comparison: ShadowComparison | None) -> None:
    """Render the state of the shadow test, with links to manage it."""
    st.markdown(f"**{_('Shadow test.')}** {shadow_summary(comparison)}")
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            "views/models.py",
            label=_("Manage the shadow test") if comparison else _("Start a shadow test"),
            icon=":material/arrow_forward:",
        )
        if comparison:
            st.page_link(
                "views/corrections.py",
                label=_("Review disagreements"),
                icon=":material/arrow_forward:",
                query_params={"state": REVIEW_REQUESTED},
            )


def shadow_summary(comparison: ShadowComparison | None) -> str:
    """Return the results of the shadow test as text."""
    if comparison is None:
        return _(
            "Not running. A shadow version answers the same pictures as the live version, unseen. "
            "You can review pictures on which they disagree."
        )
    version = plain(version_name(comparison.model))
    if comparison.agreement is None:
        return _("**{version}** has answered no pictures in the last five minutes.").format(
            version=version
        )
    summary = ngettext(
        "**{version}** agrees with the live version on {share} of {count} picture in the last "
        "five minutes.",
        "**{version}** agrees with the live version on {share} of {count} pictures in the last "
        "five minutes.",
        comparison.compared,
    ).format(
        version=version,
        share=percent(comparison.agreement),
        count=f"{comparison.compared:,}",
    )
    if comparison.dropped:
        skipped = _("Skipped {count} more when busy.").format(count=f"{comparison.dropped:,}")
        return f"{summary} {skipped}"
    return summary
