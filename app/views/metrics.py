"""Metrics page: live metrics of both services from Prometheus, and a burst of requests."""

import time
from collections.abc import Iterable
from pathlib import Path

import streamlit as st

import settings
from app.charts import traffic
from app.clients import identity
from app.clients.classifier import version_of
from app.clients.http import InvalidResponse, ServiceDown, ServiceError
from app.clients.prometheus import Alert, Window
from app.components.chart import chart
from app.monitoring import drift
from app.monitoring.load_burst import MAX_CONCURRENCY, MAX_REQUESTS, Burst, Report
from app.monitoring.snapshot import REFRESH_SECONDS, Snapshot, fetch_snapshot
from app.sections import alerts, live_quality
from app.text.formatting import counted, local_zone, percent, plain, zone_note

STYLE = Path(__file__).parent / "metrics.css"
STALE_SECONDS = 10
RANGES = {"5 min": 300, "15 min": 900, "1 h": 3600, "6 h": 21_600, "24 h": 86_400}
CHART_HEIGHT = 230

PROCESSES = {"classifier": "Classifier", "trainer": "Trainer", "prometheus": "Prometheus"}


def render_page() -> None:
    """Render the whole page."""
    st.html(STYLE)
    st.title("Metrics")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Time range", list(RANGES), default="5 min", required=True, key="metrics_range"
        )
        live = st.toggle(
            "Live", value=True, key="metrics_live", help="Turn this off to freeze the charts."
        )
    st.caption(zone_note())
    end = None if live else st.session_state.setdefault("metrics_paused_at", int(time.time()))
    if live:
        st.session_state.pop("metrics_paused_at", None)
    every = REFRESH_SECONDS if live else None
    st.fragment(render_status, run_every=every)(RANGES[chosen], end)
    st.fragment(render_health, run_every=every)(RANGES[chosen], end)
    st.fragment(render_burst, run_every=1)()
    st.fragment(render_charts, run_every=every)(RANGES[chosen], end)


def render_status(seconds: int, end: int | None) -> None:
    """Render alerts, processes, warnings, and the metrics of this moment."""
    try:
        snapshot = _fetch(seconds, end)
    except ServiceError as error:
        st.error(f"**{plain(error.message)}** {_advice(error)}")
        return
    has_shadow = drift.shadow_comparison(snapshot) is not None
    alerts.render_alerts(list(alerts_to_show(snapshot)), has_shadow=has_shadow)
    render_processes(snapshot)
    for warning in status_warnings(snapshot):
        st.warning(plain(warning))
    render_tiles(snapshot)


def _fetch(seconds: int, end: int | None) -> Snapshot:
    return fetch_snapshot(settings.get("PROMETHEUS_URL"), seconds, end)


def _advice(error: ServiceError) -> str:
    if isinstance(error, InvalidResponse):
        return ""
    if isinstance(error, ServiceDown):
        return (
            "Start it with `make run` or `docker compose up -d prometheus`. You can still "
            "classify. This page reloads when Prometheus is back."
        )
    return "Retrying every two seconds."


def render_processes(snapshot: Snapshot) -> None:
    """Render a badge for each process, up or down, and one for each loaded version."""
    with st.container(horizontal=True, gap="small", key="metrics_processes"):
        for job, name in PROCESSES.items():
            up = int(snapshot.value("wardrobe:up:sum", job=job) or 0)
            known = int(snapshot.value("wardrobe:up:count", job=job) or 0)
            detail = f", {up} of {known}" if known > 1 else ""
            if up and up == known:
                st.badge(f"{name} up{detail}", color="green")
            else:
                st.badge(f"{name} down{detail}", color="red")
        for sample in snapshot.now:
            if sample.name == "wardrobe:model_workers:sum" and sample.value:
                workers = counted(int(sample.value), "worker")
                version = version_of(sample.labels["model"])
                st.badge(f"Version {version} on {workers}", color="gray")


def status_warnings(snapshot: Snapshot) -> Iterable[str]:
    """Return a sentence for each reason to doubt the metrics."""
    if not snapshot.value("wardrobe:up:sum", job="classifier"):
        yield (
            "**The classifier is down.** You see its last metrics below. Check its log in the "
            "terminal of `make run`, or with `docker compose logs classifier`."
        )
    if not snapshot.value("wardrobe:up:sum", job="trainer"):
        yield (
            "**The trainer is down.** You can still classify, but not train or promote. "
            "Check its log."
        )
    ages = [snapshot.scrape_age.get(job, float("inf")) for job in ("classifier", "trainer")]
    if min(ages) > STALE_SECONDS:
        age = f"{min(ages):.0f} s" if min(ages) < float("inf") else "five minutes"
        yield (
            f"**These metrics are old.** Prometheus has scraped nothing for {age}. "
            "It may still be starting. If this stays, restart it."
        )


def alerts_to_show(snapshot: Snapshot) -> Iterable[Alert]:
    """Return the firing alerts, except those that `status_warnings` covers already."""
    for alert in snapshot.alerts:
        job = alert.labels.get("job", "")
        is_down = job in PROCESSES and not snapshot.value("wardrobe:up:sum", job=job)
        if not (is_down and alert.name in ("ServiceDown", "ServiceMissing")):
            yield alert


def render_health(seconds: int, end: int | None) -> None:
    """Render the model health; nothing while Prometheus is down."""
    try:
        snapshot = _fetch(seconds, end)
    except ServiceError:
        return
    live_quality.render_model_health(snapshot, local_zone(), revision=str(seconds))


def render_tiles(snapshot: Snapshot) -> None:
    """Render the metrics of this moment."""
    rate = snapshot.value("wardrobe:requests:rate1m", job="classifier")
    p95 = snapshot.value("wardrobe:latency_seconds:p95", endpoint="/classify")
    errors = snapshot.value("wardrobe:errors:ratio_rate1m", job="classifier")
    batch = snapshot.value("wardrobe:batch_images:avg", job="classifier")
    flying = snapshot.value("wardrobe:in_flight:sum", job="classifier")
    confidence = snapshot.value("wardrobe:confidence:avg", job="classifier")
    tiles = (
        ("Requests", _number(rate, "{:.1f} /s"), "Requests with pictures in the last minute."),
        ("Latency, p95", _number(p95, "{:.0f} ms", 1000), "95 % of requests were answered faster."),
        ("Errors", _share(errors, 1), "Share of 5xx responses in the last minute."),
        ("In flight", _number(flying, "{:.0f}"), "Requests in progress at the last scrape."),
        ("Per batch", _number(batch, "{:.1f}"), "Average pictures in a forward pass."),
        ("Confidence", _share(confidence, 0), "Average confidence of the answers."),
    )
    with st.container(key="metrics_tiles"):
        for label, value, meaning in tiles:
            st.metric(label, value, help=meaning, border=True)


def _number(value: float | None, form: str, scale: float = 1) -> str:
    return "-" if value is None else form.format(value * scale)


def _share(value: float | None, digits: int) -> str:
    return "-" if value is None else percent(value, digits)


def render_charts(seconds: int, end: int | None) -> None:
    """Render every chart; nothing while Prometheus is down, which `render_status` reports."""
    try:
        snapshot = _fetch(seconds, end)
    except ServiceError:
        return
    context = traffic.ChartContext(snapshot.window, local_zone(), snapshot.promotions())
    if not _has_data(snapshot.window, "wardrobe:requests:rate1m"):
        st.info("No requests in this time range. Draw something on Classify, or send a burst.")
    figures = [
        ("requests", traffic.requests_by_code(context)),
        ("latency", traffic.latency(context)),
        ("batches", traffic.batch_sizes(context)),
        ("in_flight", traffic.in_flight(context)),
        ("inside", traffic.time_inside(context)),
        ("classes", traffic.predicted_classes(context)),
    ]
    for left, right in zip(figures[::2], figures[1::2], strict=True):
        for column, (name, figure) in zip(st.columns(2), (left, right), strict=True):
            with column.container(border=True):
                figure.layout.uirevision = str(seconds)
                chart(traffic.or_no_data(figure), key=f"metrics_{name}", height=CHART_HEIGHT)
    with st.container(border=True):
        if _has_data(snapshot.window, "wardrobe:training_progress:max"):
            figure = traffic.training_progress(context)
            chart(figure, key="metrics_training", height=CHART_HEIGHT)
        else:
            st.caption("No training in this time range. Start a run on Retrain.")


def _has_data(window: Window, name: str) -> bool:
    return any(value for series in window.select(name) for value in series.values)


def render_burst() -> None:
    """Render the form that sends many requests at once, and their outcomes."""
    burst: Burst | None = st.session_state.get("metrics_burst")
    report = burst.report() if burst else None
    with st.container(border=True, key="metrics_burst_box"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(
                "Requests", 1, MAX_REQUESTS, 500, step=100, key="metrics_total", width=150
            )
            st.number_input(
                "At once", 1, MAX_CONCURRENCY, 32, step=8, key="metrics_at_once", width=150
            )
            if burst and report and report.running:
                st.button("Stop", on_click=burst.stop, key="metrics_stop", width=150)
            else:
                st.button(
                    "Send a burst",
                    type="primary",
                    on_click=start_burst,
                    key="metrics_send",
                    width=150,
                )
        if report:
            render_burst_report(report)
        else:
            st.caption("Send many requests at once to see batching.")


def start_burst() -> None:
    """Start a burst of the selected size. It belongs to the session."""
    st.session_state["metrics_burst"] = Burst(
        settings.get("CLASSIFIER_URL"),
        total=st.session_state["metrics_total"],
        concurrency=st.session_state["metrics_at_once"],
        headers=identity.headers(),
    )


def render_burst_report(report: Report) -> None:
    """Render the outcomes as the client counted them."""
    done = f"{report.done} of {report.total} requests, {report.seconds:.1f} s"
    st.progress(report.done / report.total, text=done)
    tiles = (
        ("Answered", str(report.answered)),
        ("Refused, 4xx", str(report.rejected)),
        ("Failed", str(report.failed)),
        ("Rate", f"{report.per_second:.0f} /s"),
        ("p50", _number(report.p50, "{:.0f} ms", 1000)),
        ("p95", _number(report.p95, "{:.0f} ms", 1000)),
    )
    with st.container(key="metrics_outcome"):
        for label, value in tiles:
            st.metric(label, value)
    if report.first_error:
        st.warning(f"First error: {plain(report.first_error)}")


render_page()
