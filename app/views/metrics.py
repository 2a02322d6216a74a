"""Metrics page: traffic, health of the live version, and training, as Prometheus recorded them.

What refreshes itself puts messages into containers: the page breaks in the browser if an element
and a container take turns at one place.
"""

import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st

import settings
from app.clients.http import ServiceError
from app.monitoring import links
from app.monitoring.snapshot import (
    REFRESH_SECONDS,
    STEPS,
    Snapshot,
    fetch_snapshot,
    fetch_status,
)
from app.sections.metrics import burst, model_health, status, traffic
from app.text.formatting import duration, local_zone, zone_note
from app.text.translate import N_, _

STYLE = Path(__file__).parent / "metrics.css"
RANGES = {
    300: N_("5 min"),
    900: N_("15 min"),
    3600: N_("1 h"),
    21_600: N_("6 h"),
    86_400: N_("24 h"),
}
_SECTIONS = (N_("Traffic"), N_("Model health"), N_("Training"))


def render_page() -> None:
    """Render the whole page."""
    st.html(STYLE)
    with st.container(gap="small", key="metrics_page"):
        seconds, end = render_controls()
        render_live(seconds, end)
        render_links()


def render_controls() -> tuple[int, int | None]:
    """Render the title and the controls of all charts.

    Returns the time range in seconds, and its end in Unix seconds; None for now.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="metrics_head"):
        st.title(_("Metrics"), width="content")
        seconds = st.segmented_control(
            _("Time range"),
            list(RANGES),
            default=300,
            required=True,
            format_func=lambda choice: _(RANGES[choice]),
            key="metrics_range",
            label_visibility="collapsed",
        )
        live = st.toggle(
            _("Live"),
            value=True,
            key="metrics_live",
            help=_("Turn this off to freeze the charts."),
            width="content",
        )
    end = None if live else st.session_state.setdefault("metrics_paused_at", int(time.time()))
    if live:
        st.session_state.pop("metrics_paused_at", None)
    return seconds, end


def render_live(seconds: int, end: int | None) -> None:
    """Render what refreshes itself: the state of the processes, and the section that is open."""
    live = end is None
    every = REFRESH_SECONDS if live else None
    st.fragment(render_status, run_every=every)(seconds)
    traffic_tab, health_tab, training_tab = st.tabs(
        [_(name) for name in _SECTIONS], key="metrics_section", on_change="rerun"
    )
    if traffic_tab.open:
        with traffic_tab:
            st.fragment(burst.render_burst, run_every=1)()
            # Twice as often as Prometheus scrapes: a burst is on the charts within four seconds.
            st.fragment(render_traffic, run_every=1 if live else None)(seconds, end)
    if health_tab.open:
        with health_tab:
            st.fragment(render_health, run_every=every)(seconds, end)
    if training_tab.open:
        with training_tab:
            st.fragment(render_training, run_every=every)(seconds, end)


def render_status(seconds: int) -> None:
    """Render alerts, processes and warnings; or that Prometheus is down."""
    try:
        now = fetch_status(settings.get("PROMETHEUS_URL"))
    except ServiceError as error:
        with st.container():
            status.render_prometheus_error(error)
        return
    with st.container():
        status.render_status(now, _time_note(STEPS[seconds]))


def _time_note(step: int) -> str:
    """Say in which time zone times are, and what a point stands for that is `step` seconds long."""
    if step <= 10 * REFRESH_SECONDS:
        return zone_note()
    points = _("Each point is the highest value in {duration}.").format(duration=duration(step))
    return f"{zone_note()} {points}"


def render_traffic(seconds: int, end: int | None) -> None:
    """Render the charts of traffic; nothing while Prometheus is down."""
    _with_snapshot(
        traffic.series(traffic.TRAFFIC),
        seconds,
        end,
        lambda snapshot: traffic.render_traffic(snapshot, seconds, live=end is None),
    )


def render_health(seconds: int, end: int | None) -> None:
    """Render the model health; nothing while Prometheus is down."""
    _with_snapshot(
        model_health.SERIES,
        seconds,
        end,
        lambda snapshot: model_health.render_model_health(
            snapshot, local_zone(), revision=str(seconds)
        ),
    )


def render_training(seconds: int, end: int | None) -> None:
    """Render the charts of training; nothing while Prometheus is down."""
    _with_snapshot(
        traffic.series(traffic.TRAINING),
        seconds,
        end,
        lambda snapshot: traffic.render_training(snapshot, seconds),
    )


def _with_snapshot(
    names: tuple[str, ...], seconds: int, end: int | None, render: Callable[[Snapshot], None]
) -> None:
    """Render what Prometheus has recorded. `render_status` says so if it does not answer."""
    try:
        snapshot = fetch_snapshot(settings.get("PROMETHEUS_URL"), names, seconds, end)
    except ServiceError:
        return
    render(snapshot)


def render_links() -> None:
    """Render links to other pages with the same figures, and to those of the services."""
    found = links.pages()
    if found:
        with st.container(horizontal=True, gap="medium", key="metrics_links"):
            for link in found:
                st.link_button(
                    _(link.label), link.url, type="tertiary", icon=":material/open_in_new:"
                )


render_page()
