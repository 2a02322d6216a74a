"""The processes on the Metrics page: alerts, who is up, and reasons to doubt the figures."""

from collections.abc import Iterable

import streamlit as st

from app.clients.http import InvalidResponse, ServiceDown, ServiceError
from app.clients.prometheus import Alert
from app.clients.version_names import version_name
from app.monitoring import drift
from app.monitoring.snapshot import Status
from app.sections.metrics import alerts
from app.text.formatting import plain
from app.text.translate import N_, _, ngettext

STALE_SECONDS = 10

PROCESSES = {
    "classifier": N_("Classifier"),
    "trainer": N_("Trainer"),
    "prometheus": N_("Prometheus"),
}


def render_status(status: Status, note: str) -> None:
    """Render the processes with a note about times, alerts and warnings."""
    has_shadow = drift.shadow_comparison(status) is not None
    with st.container(horizontal=True, vertical_alignment="center", key="metrics_status"):
        render_processes(status)
        st.caption(note, width="content")
    with st.container():
        alerts.render_alerts(list(alerts_to_show(status)), has_shadow=has_shadow)
    with st.container():
        for warning in status_warnings(status):
            st.warning(warning)


def render_prometheus_error(error: ServiceError) -> None:
    """Render why there are no metrics, and what to do."""
    st.error(f"**{plain(error.message)}** {_advice(error)}")


def _advice(error: ServiceError) -> str:
    if isinstance(error, InvalidResponse):
        return ""
    if isinstance(error, ServiceDown):
        return _(
            "Start it with `make run` or `docker compose up -d prometheus`. You can still "
            "classify. This page reloads when Prometheus is back."
        )
    return _("Retrying every two seconds.")


def render_processes(status: Status) -> None:
    """Render a badge for each process, up or down, and one for each loaded version."""
    with st.container(horizontal=True, gap="small", key="metrics_processes", width="content"):
        for job, name in PROCESSES.items():
            up = int(status.value("wardrobe:up:sum", job=job) or 0)
            known = int(status.value("wardrobe:up:count", job=job) or 0)
            is_up = bool(up) and up == known
            if known > 1:
                text = (
                    _("{process} up, {up} of {known}")
                    if is_up
                    else _("{process} down, {up} of {known}")
                )
            else:
                text = _("{process} up") if is_up else _("{process} down")
            text = text.format(process=_(name), up=up, known=known)
            st.badge(text, color="green" if is_up else "red")
        for sample in status.now if status.is_up("classifier") else ():
            if sample.name == "wardrobe:model_workers:sum" and sample.value:
                count = int(sample.value)
                text = ngettext(
                    "{version} on {count} worker", "{version} on {count} workers", count
                )
                version = version_name(sample.labels["model"])
                st.badge(text.format(version=version, count=count), color="gray")


def status_warnings(status: Status) -> Iterable[str]:
    """Return a sentence for each reason to doubt the metrics."""
    if not status.is_up("classifier"):
        yield _(
            "**Waiting for the classifier.** It is down. You see its last metrics below. Check its "
            "log in the terminal of `make run`, or with `docker compose logs classifier`."
        )
    if not status.is_up("trainer"):
        yield _(
            "**The trainer is down.** You can still classify, but not train or promote. "
            "Check its log."
        )
    ages = [status.scrape_age.get(job, float("inf")) for job in ("classifier", "trainer")]
    if min(ages) > STALE_SECONDS:
        advice = _("It may still be starting. If this stays, restart it.")
        if min(ages) < float("inf"):
            old = _("**These metrics are old.** Prometheus has scraped nothing for {seconds} s.")
            yield f"{old.format(seconds=round(min(ages)))} {advice}"
        else:
            old = _("**These metrics are old.** Prometheus has scraped nothing for five minutes.")
            yield f"{old} {advice}"


def alerts_to_show(status: Status) -> Iterable[Alert]:
    """Return the firing alerts, except those that `status_warnings` covers already."""
    for alert in status.alerts:
        job = alert.labels.get("job", "")
        is_down = job in PROCESSES and not status.is_up(job)
        if not (is_down and alert.name in ("ServiceDown", "ServiceMissing")):
            yield alert
