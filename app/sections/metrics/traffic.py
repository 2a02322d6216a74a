"""Traffic on the Metrics page: requests, latency, batches, and what the classifier predicted."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st

from app.charts import traffic, training
from app.charts.timeline import ChartContext
from app.components.chart import chart
from app.monitoring import links
from app.monitoring.snapshot import Snapshot, Status
from app.text.formatting import local_zone, percent
from app.text.translate import N_, _

CHART_HEIGHT = 160

LATENCIES = tuple(f"wardrobe:latency_seconds:{quantile}" for quantile in ("p50", "p95", "p99"))


class _Panel(NamedTuple):
    """A chart: its key, figure, series, the current value, and a note about the window."""

    key: str
    figure: Callable[[ChartContext], go.Figure]
    names: tuple[str, ...]
    value: Callable[[Status], str] = lambda _: ""
    note: str = ""


def _rate(status: Status) -> str:
    rate = status.value("wardrobe:requests:rate1m", job="classifier")
    errors = status.value("wardrobe:errors:ratio_rate1m", job="classifier")
    if rate is None:
        return ""
    if errors:
        return _("{rate} /s, {share} errors").format(rate=f"{rate:.1f}", share=percent(errors))
    return _("{rate} /s").format(rate=f"{rate:.1f}")


def _p95(status: Status) -> str:
    seconds = status.value("wardrobe:latency_seconds:p95", endpoint="/classify")
    return "" if seconds is None else _("p95 {number} ms").format(number=f"{1000 * seconds:.0f}")


def _per_batch(status: Status) -> str:
    mean = status.value("wardrobe:batch_images:avg", job="classifier")
    return "" if mean is None else _("{number} per batch").format(number=f"{mean:.1f}")


def _flying(status: Status) -> str:
    count = status.value("wardrobe:in_flight:sum", job="classifier")
    return "" if count is None else f"{count:.0f}"


def _confidence(status: Status) -> str:
    mean = status.value("wardrobe:confidence:avg", job="classifier")
    return "" if mean is None else _("confidence {share}").format(share=percent(mean, 0))


_LAST_MINUTE = N_("server, over 1 min")

TRAFFIC = (
    _Panel(
        "requests", traffic.requests_by_code, ("wardrobe:requests:rate1m",), _rate, _LAST_MINUTE
    ),
    _Panel("latency", traffic.latency, LATENCIES, _p95, _LAST_MINUTE),
    _Panel(
        "batches",
        traffic.batch_sizes,
        ("wardrobe:batch_images_bucket:rate1m", "wardrobe:batch_images:avg"),
        _per_batch,
        _LAST_MINUTE,
    ),
    _Panel(
        "in_flight",
        traffic.in_flight,
        ("wardrobe:in_flight:sum",),
        _flying,
        N_("server, at each scrape"),
    ),
    _Panel(
        "inside",
        traffic.time_inside,
        ("wardrobe:queue_seconds:p95", "wardrobe:inference_seconds:p95"),
        note=_LAST_MINUTE,
    ),
    _Panel(
        "classes",
        traffic.predicted_classes,
        ("wardrobe:predictions:rate1m",),
        _confidence,
        N_("in this time range, without bursts"),
    ),
)
TRAINING = (
    _Panel(
        "training",
        training.progress_chart,
        ("wardrobe:training_progress:max", "wardrobe:training_accuracy:max"),
    ),
    _Panel("loss", training.loss_chart, ("wardrobe:training_loss:max",)),
)


def series(panels: Sequence[_Panel]) -> tuple[str, ...]:
    """Return the names of the series that the charts need."""
    return tuple(name for panel in panels for name in panel.names)


def render_traffic(snapshot: Snapshot, seconds: int, *, live: bool) -> None:
    """Render the charts of traffic, or how to make some. `live`: with the values of this moment."""
    if not snapshot.has_data("wardrobe:requests:rate1m"):
        with st.container():
            st.info(
                _("No requests in this time range. Draw something on Classify, or send a burst.")
            )
        return
    _render(TRAFFIC, snapshot, seconds, live=live)


def render_training(snapshot: Snapshot, seconds: int) -> None:
    """Render the charts of training, or where it starts."""
    if not snapshot.has_data("wardrobe:training_progress:max"):
        with st.container():
            st.info(_("No training in this time range. Start a run on Retrain."))
        return
    _render(TRAINING, snapshot, seconds, live=False)


def _render(panels: Sequence[_Panel], snapshot: Snapshot, seconds: int, *, live: bool) -> None:
    context = ChartContext(
        snapshot.window, local_zone(), snapshot.promotions(), snapshot.load_tests()
    )
    for left, right in zip(panels[::2], panels[1::2], strict=True):
        for column, panel in zip(st.columns(2), (left, right), strict=True):
            figure = panel.figure(context)
            figure.layout.uirevision = str(seconds)
            with column.container(border=True, key=f"metrics_card_{panel.key}"):
                mark = chart(
                    traffic.or_no_data(figure),
                    key=f"metrics_{panel.key}",
                    height=CHART_HEIGHT,
                    note=_(panel.note) if panel.note else "",
                    value=panel.value(snapshot.status) if live else "",
                    link=links.query_page(panel.names, seconds),
                )
            if mark:
                open_version(mark)


def open_version(tag: str) -> None:
    """Go to the details of a version."""
    st.switch_page("views/models.py", query_params={"version": tag.rpartition(":")[2]})
