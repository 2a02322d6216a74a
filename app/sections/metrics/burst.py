"""The bar of the Metrics page that sends many requests at once, and what this page measured."""

import streamlit as st

import settings
from app.clients import identity
from app.monitoring.load_burst import MAX_CONCURRENCY, MAX_REQUESTS, MAX_SECONDS, Burst, Report
from app.text.formatting import milliseconds, plain
from app.text.translate import N_, _

NO_BREAK = "\u00a0"

_UNITS = {"requests": N_("requests"), "seconds": N_("seconds")}


def render_burst() -> None:
    """Render the controls on one line, and the outcomes below them."""
    burst: Burst | None = st.session_state.get("metrics_burst")
    running = burst is not None and burst.report().running
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="metrics_burst"
    ):
        _render_controls()
        with st.container(width=130):  # of its own: one button takes the other's place at once
            if burst and running:
                st.button(_("Stop"), on_click=burst.stop, key="metrics_stop", width="stretch")
            else:
                st.button(
                    _("Send a burst"),
                    type="primary",
                    on_click=start_burst,
                    key="metrics_send",
                    width="stretch",
                )
        with st.container(key="metrics_outcome", width=380, gap=None):
            _render_outcome(burst)


def _render_controls() -> None:
    # Both limits in one form: which one holds is a matter of the unit beside it.
    unit = st.session_state.get("metrics_unit", "requests")
    total, most = (
        ("metrics_total", MAX_REQUESTS) if unit == "requests" else ("metrics_seconds", MAX_SECONDS)
    )
    st.number_input(
        _("Requests") if unit == "requests" else _("Seconds"),
        1,
        most,
        500 if unit == "requests" else 10,
        step=100 if unit == "requests" else 5,
        key=total,
        label_visibility="collapsed",
        width=100,
    )
    st.segmented_control(
        _("Unit"),
        list(_UNITS),
        default="requests",
        required=True,
        format_func=lambda name: _(_UNITS[name]),
        key="metrics_unit",
        label_visibility="collapsed",
    )
    st.number_input(
        _("At once"),
        1,
        MAX_CONCURRENCY,
        32,
        step=8,
        key="metrics_at_once",
        label_visibility="collapsed",
        width=80,
    )
    st.markdown(_("at once"), width="content")


def start_burst() -> None:
    """Start a burst of the selected size. It belongs to the session."""
    unit = st.session_state["metrics_unit"]
    st.session_state["metrics_burst"] = Burst(
        settings.get("CLASSIFIER_URL"),
        total=st.session_state["metrics_total"] if unit == "requests" else None,
        seconds=st.session_state["metrics_seconds"] if unit == "seconds" else None,
        concurrency=st.session_state["metrics_at_once"],
        headers=identity.headers(),
    )


def _render_outcome(burst: Burst | None) -> None:
    """Render the outcomes as this page counted them."""
    if burst is None:
        st.caption(_("Send many requests at once to see batching."))
        return
    report = burst.report()
    if report.running:
        st.progress(report.progress)
    st.caption(outcome(report))
    if report.first_error:
        st.warning(_("First error: {message}").format(message=plain(report.first_error)))


def outcome(report: Report) -> str:
    """Return the outcomes of a burst as a line of text."""
    parts = [
        _("**Measured by this page** over {seconds} s:").format(seconds=f"{report.seconds:.1f}"),
        _("{count} answered").format(count=f"{report.answered:,}"),
    ]
    if report.rejected:
        parts.append(_("{count} refused (4xx)").format(count=f"{report.rejected:,}"))
    if report.failed:
        parts.append(_("{count} failed").format(count=f"{report.failed:,}"))
    parts.append(_("{rate} /s").format(rate=f"{report.per_second:.0f}"))
    for name, latency in (("p50", report.p50), ("p95", report.p95)):
        if latency is not None:
            parts.append(f"{name} {milliseconds(latency)}")
    return f"{parts[0]} {' · '.join(part.replace(' ', NO_BREAK) for part in parts[1:])}"
