"""The Metrics page: what Prometheus recorded of both services, live; and a burst to look at."""

import time
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

import settings
from app.charts import traffic
from app.clients.http import InvalidResponse, ServiceDown, ServiceError
from app.clients.prometheus import Alert, Window
from app.components.chart import chart
from app.monitoring import drift
from app.monitoring.load_burst import MAX_CONCURRENCY, MAX_REQUESTS, Burst, Report
from app.monitoring.snapshot import REFRESH_SECONDS, Snapshot, fetch_snapshot
from app.sections import alerts, live_quality

STYLE = Path(__file__).parent / "metrics.css"
STALE_SECONDS = 10
RANGES = {"5 min": 300, "15 min": 900, "1 h": 3600, "6 h": 21_600, "24 h": 86_400}
CHART_HEIGHT = 230

PROCESSES = {"classifier": "Classifier", "trainer": "Trainer", "prometheus": "Prometheus"}


def page() -> None:
    """Draw the page."""
    st.html(STYLE)
    st.title("Metrics")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Time range", list(RANGES), default="5 min", required=True, key="metrics_range"
        )
        live = st.toggle("Live", value=True, key="metrics_live", help="Off: hold the charts still.")
    end = None if live else st.session_state.setdefault("metrics_paused_at", int(time.time()))
    if live:
        st.session_state.pop("metrics_paused_at", None)
    every = REFRESH_SECONDS if live else None
    st.fragment(show_state, run_every=every)(RANGES[chosen], end)
    st.fragment(show_right, run_every=every)(RANGES[chosen], end)
    st.fragment(show_burst, run_every=1)()
    st.fragment(show_charts, run_every=every)(RANGES[chosen], end)


def show_state(seconds: int, end: int | None) -> None:
    """What is wrong if anything is, the processes, and the figures of this moment."""
    url = settings.get("PROMETHEUS_URL")
    try:
        view = fetch_snapshot(url, seconds, end)
    except ServiceError as error:
        st.error(f"**{error.message}** {_cure(error)}")
        return
    alerts.show(list(untold(view)), shadowed=drift.shadow_comparison(view) is not None)
    show_processes(view)
    for sentence in troubles(view):
        st.warning(sentence)
    show_tiles(view)


def _cure(error: ServiceError) -> str:
    if isinstance(error, InvalidResponse):
        return ""
    if isinstance(error, ServiceDown):
        return (
            "Start it with `make run` or `docker compose up -d prometheus`. Classifying goes on "
            "without it, and this page comes back by itself."
        )
    return "This page tries again every two seconds."


def show_processes(view: Snapshot) -> None:
    """A badge for each process: up or down, in words."""
    with st.container(horizontal=True, gap="small", key="metrics_processes"):
        for job, name in PROCESSES.items():
            up = int(view.value("wardrobe:up:sum", job=job) or 0)
            known = int(view.value("wardrobe:up:count", job=job) or 0)
            of = f", {up} of {known}" if known > 1 else ""
            if up and up == known:
                st.badge(f"{name} up{of}", color="green")
            else:
                st.badge(f"{name} down{of}", color="red")
        for sample in view.now:
            if sample.name == "wardrobe:model_workers:sum" and sample.value:
                workers = int(sample.value)
                st.badge(
                    f"{sample.labels['model']} on {workers} worker{'s' if workers > 1 else ''}",
                    color="gray",
                )


def troubles(view: Snapshot) -> Iterable[str]:
    """What a reader should know before believing the figures, a sentence each."""
    if not view.value("wardrobe:up:sum", job="classifier"):
        yield (
            "**The classifier is down.** Its last figures stand below. Look at what it logged "
            "last in the terminal of `make run`, or with `docker compose logs classifier`."
        )
    if not view.value("wardrobe:up:sum", job="trainer"):
        yield (
            "**The trainer is down.** Serving goes on; training and promoting do not. Look at "
            "what it logged last."
        )
    ages = [view.scrape_age.get(job, float("inf")) for job in ("classifier", "trainer")]
    if min(ages) > STALE_SECONDS:
        known = f"{min(ages):.0f} s" if min(ages) < float("inf") else "five minutes"
        yield (
            f"**These figures are old.** Prometheus answers but has scraped nothing for {known}. "
            "It may still be starting; if this stays, restart it."
        )


def untold(view: Snapshot) -> Iterable[Alert]:
    """The alerts that fire, without those of a service that is down: `troubles` tells that."""
    for alert in view.alerts:
        job = alert.labels.get("job", "")
        is_down = job in PROCESSES and not view.value("wardrobe:up:sum", job=job)
        if not (is_down and alert.name in ("ServiceDown", "ServiceMissing")):
            yield alert


def show_right(seconds: int, end: int | None) -> None:
    """Whether the answers are still right. While Prometheus is down there is nothing to say."""
    try:
        view = fetch_snapshot(settings.get("PROMETHEUS_URL"), seconds, end)
    except ServiceError:
        return
    live_quality.show(view, _zone(), revision=str(seconds))


def show_tiles(view: Snapshot) -> None:
    """The figures of this moment."""
    rate = view.value("wardrobe:requests:rate1m", job="classifier")
    p95 = view.value("wardrobe:latency_seconds:p95", endpoint="/classify")
    errors = view.value("wardrobe:errors:ratio_rate1m", job="classifier")
    batch = view.value("wardrobe:batch_images:avg", job="classifier")
    flying = view.value("wardrobe:in_flight:sum", job="classifier")
    confidence = view.value("wardrobe:confidence:avg", job="classifier")
    tiles = (
        ("Requests", _shown(rate, "{:.1f} /s"), "Requests with pictures, the last minute's mean."),
        ("Answer time, p95", _shown(p95, "{:.0f} ms", 1000), "19 of 20 answers took less."),
        ("Errors", _shown(errors, "{:.1f} %", 100), "Share of 5xx answers in the last minute."),
        ("In flight", _shown(flying, "{:.0f}"), "Requests being answered at the last scrape."),
        ("Per batch", _shown(batch, "{:.1f}"), "Pictures in a forward pass, on average."),
        ("Confidence", _shown(confidence, "{:.0f} %", 100), "Mean probability of the answers."),
    )
    with st.container(key="metrics_tiles"):
        for label, value, meaning in tiles:
            st.metric(label, value, help=meaning, border=True)


def _shown(value: float | None, form: str, scale: float = 1) -> str:
    return "-" if value is None else form.format(value * scale)


def show_charts(seconds: int, end: int | None) -> None:
    """Every chart. While Prometheus is down there is none: the words above say so."""
    try:
        view = fetch_snapshot(settings.get("PROMETHEUS_URL"), seconds, end)
    except ServiceError:
        return
    picture = traffic.Picture(view.window, _zone(), view.promotions())
    if not _any(view.window, "wardrobe:requests:rate1m"):
        st.info(
            "No request in this time. Draw something on the Classify page, or send a burst.",
        )
    shown = [
        ("requests", traffic.requests_by_code(picture)),
        ("latency", traffic.answer_time(picture)),
        ("batches", traffic.batch_sizes(picture)),
        ("in_flight", traffic.in_flight(picture)),
        ("inside", traffic.inside(picture)),
        ("classes", traffic.predicted_classes(picture)),
    ]
    for left, right in zip(shown[::2], shown[1::2], strict=True):
        for column, (name, figure) in zip(st.columns(2), (left, right), strict=True):
            with column.container(border=True):
                figure.layout.uirevision = str(seconds)
                chart(traffic.or_nothing(figure), key=f"metrics_{name}", height=CHART_HEIGHT)
    with st.container(border=True):
        if _any(view.window, "wardrobe:training_progress:max"):
            chart(traffic.training(picture), key="metrics_training", height=CHART_HEIGHT)
        else:
            st.caption("No training in this time. Start a run on the Retrain page.")


def _any(window: Window, name: str) -> bool:
    return any(value for series in window.select(name) for value in series.values)


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def show_burst() -> None:
    """Send many requests at once, and count their outcomes as a client does."""
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
                    "Send a burst", type="primary", on_click=send, key="metrics_send", width=150
                )
        if report:
            show_report(report)
        else:
            st.caption(
                "One person cannot press fast enough to fill a batch. A burst sends the pad's "
                "drawings from here, many at once: watch the batches grow below."
            )


def send() -> None:
    """Start a burst of the size that the widgets say. It belongs to the session."""
    st.session_state["metrics_burst"] = Burst(
        settings.get("CLASSIFIER_URL"),
        total=st.session_state["metrics_total"],
        concurrency=st.session_state["metrics_at_once"],
    )


def show_report(report: Report) -> None:
    """What the client counted, in numbers of its own."""
    done = f"{report.done} of {report.total} requests, {report.seconds:.1f} s"
    st.progress(report.done / report.total, text=done)
    tiles = (
        ("Answered", str(report.answered)),
        ("Refused, 4xx", str(report.rejected)),
        ("Failed", str(report.failed)),
        ("Rate", f"{report.per_second:.0f} /s"),
        ("p50", _shown(report.p50, "{:.0f} ms", 1000)),
        ("p95", _shown(report.p95, "{:.0f} ms", 1000)),
    )
    with st.container(key="metrics_outcome"):
        for label, value in tiles:
            st.metric(label, value)
    if report.first_error:
        st.warning(f"The first that went wrong: {report.first_error}")


page()
