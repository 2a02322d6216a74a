"""Charts of the Metrics page: recorded traffic and training, as Plotly figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from app.clients.prometheus import Series, Window
from app.monitoring.snapshot import Promotion
from app.text.formatting import percent

GREEN = "var(--st-green-color)"
ORANGE = "var(--st-orange-color)"
RED = "var(--st-red-color)"
BLUE = "var(--st-blue-color)"
GREY = "var(--st-gray-color)"
PRIMARY = "var(--st-primary-color)"
FAINT = "var(--st-secondary-background-color)"
LINE = "var(--st-border-color)"


@dataclass(frozen=True)
class ChartContext:
    """Data that all charts share: the window, the visitor's time zone, and the promotions."""

    window: Window
    zone: ZoneInfo
    promotions: Sequence[Promotion]


def requests_by_code(context: ChartContext) -> go.Figure:
    """Return stacked areas: requests per second by HTTP code."""
    figure = over_time(context, "Requests per second, by HTTP code")
    for promotion in context.promotions:
        _add_promotion_label(figure, context, promotion)
    found = context.window.select("wardrobe:requests:rate1m", job="classifier")
    for series in sorted(found, key=lambda series: series.labels["http_response_code"]):
        code = series.labels["http_response_code"]
        colour = {"2": GREEN, "4": ORANGE, "5": RED}.get(code[0], GREY)
        figure.add_scatter(
            x=_times(context),
            y=series.values,
            name=code,
            stackgroup="codes",
            line={"color": colour, "width": 1.5},
            hovertemplate="%{y:.1f}",
        )
    return figure


def latency(context: ChartContext) -> go.Figure:
    """Return percentiles of the latency of /classify, in milliseconds."""
    figure = over_time(context, "Latency of /classify, ms")
    for quantile, colour in (("p50", GREEN), ("p95", BLUE), ("p99", ORANGE)):
        name = f"wardrobe:latency_seconds:{quantile}"
        for series in context.window.select(name, endpoint="/classify"):
            add_line(figure, context, series, quantile, colour, scale=1000)
    return figure


def batch_sizes(context: ChartContext) -> go.Figure:
    """Return the distribution of batch sizes over time, and their mean."""
    figure = over_time(context, "Pictures per batch")
    heights, shares = _batch_shares(context.window)
    top = max((k for k, row in enumerate(shares) if any(row)), default=3) + 1
    figure.add_heatmap(
        x=_times(context),
        y=list(range(top)),
        z=shares[:top],
        colorscale=[[0, FAINT], [0.5, PRIMARY], [1, PRIMARY]],
        showscale=False,
        zmin=0,
        zmax=1,
        customdata=[
            ["" if share is None else percent(share, 0) for share in row] for row in shares[:top]
        ],
        hovertemplate="%{customdata} of the batches<extra></extra>",
    )
    for series in context.window.select("wardrobe:batch_images:avg"):
        # The heatmap's row k holds batches of up to 2**k pictures.
        figure.add_scatter(
            x=_times(context),
            y=[math.log2(value) if value else None for value in series.values],
            customdata=series.values,
            name="mean",
            line={"color": ORANGE, "width": 2},
            hovertemplate="%{customdata:.1f}",
        )
    figure.update_yaxes(
        tickvals=list(range(top)),
        ticktext=heights[:top],
        range=[-0.5, top - 0.5],
        showgrid=False,
    )
    return figure


def in_flight(context: ChartContext) -> go.Figure:
    """Return the number of requests in flight at each scrape."""
    figure = over_time(context, "Requests in flight")
    for series in context.window.select("wardrobe:in_flight:sum", job="classifier"):
        figure.add_scatter(
            x=_times(context),
            y=series.values,
            name="in flight",
            line={"color": BLUE, "width": 1.5, "shape": "hv"},
            fill="tozeroy",
            hovertemplate="%{y:.0f}",
        )
    return figure


def time_inside(context: ChartContext) -> go.Figure:
    """Return the time of queueing and of the forward pass, in milliseconds."""
    figure = over_time(context, "Time in the classifier, p95, ms")
    parts = (
        ("wardrobe:queue_seconds:p95", "queue", BLUE),
        ("wardrobe:inference_seconds:p95", "forward pass", GREEN),
    )
    for name, label, colour in parts:
        for series in context.window.select(name):
            add_line(figure, context, series, label, colour, scale=1000)
    return figure


def predicted_classes(context: ChartContext) -> go.Figure:
    """Return each class's share of the predictions in the window, the most frequent on top."""
    shares = {
        series.labels["label"]: sum(value or 0 for value in series.values)
        for series in context.window.select("wardrobe:predictions:rate1m")
    }
    total = sum(shares.values()) or 1
    ordered = sorted((share / total, label) for label, share in shares.items() if share)
    figure = go.Figure()
    figure.add_bar(
        x=[share for share, _ in ordered],
        y=[label for _, label in ordered],
        orientation="h",
        marker_color=PRIMARY,
        text=[percent(share, 0) for share, _ in ordered],
        textposition="outside",
        cliponaxis=False,
        customdata=[percent(share) for share, _ in ordered],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
    figure.update_layout(title_text="Predictions by class", hovermode="closest", bargap=0.35)
    figure.update_xaxes(visible=False, range=[0, 1.15 * max((s for s, _ in ordered), default=1)])
    figure.update_yaxes(showgrid=False, ticksuffix="  ", dtick=1)
    return figure


def training_progress(context: ChartContext) -> go.Figure:
    """Return progress and accuracy in percent, and loss on the right axis."""
    figure = over_time(context, "Training")
    lines = (
        ("wardrobe:training_progress:max", "progress, %", GREY, 100),
        ("wardrobe:training_accuracy:max", "accuracy, %", GREEN, 100),
        ("wardrobe:training_loss:max", "loss, right axis", ORANGE, 1),
    )
    for name, label, colour, scale in lines:
        for series in context.window.select(name):
            # A gauge that was never set reads 0, which no run has as its loss or accuracy.
            known = replace(series, values=tuple(value or None for value in series.values))
            add_line(figure, context, known, label, colour, scale=scale)
            if "loss" in name:
                figure.data[-1].yaxis = "y2"
    figure.update_layout(
        yaxis_range=[0, 104],
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "rangemode": "tozero",
            "tickformat": ".2~f",
            "nticks": 4,
        },
    )
    return figure


def or_no_data(figure: go.Figure) -> go.Figure:
    """Return the figure; if it has no values, with a note instead of an empty scale."""
    rows = [row for trace in figure.data for row in _values(trace)]
    if all(value is None for row in rows for value in row):
        figure.update_yaxes(showticklabels=False, showgrid=False)
        figure.update_layout(showlegend=False)
        figure.add_annotation(
            text="No data in this time range",
            x=0.5,
            y=0.5,
            xref="paper",
            yref="paper",
            showarrow=False,
            font={"color": GREY, "size": 13},
        )
    return figure


def _values(trace: Any) -> Sequence[Sequence[float | None]]:
    """Return the measured values of a trace, in rows."""
    if trace.type == "heatmap":
        return trace.z or ()
    return [(trace.x if trace.type == "bar" else trace.y) or ()]


def over_time(context: ChartContext, title: str) -> go.Figure:
    """Return a figure to add lines to, with the window's time axis and its promotions."""
    figure = go.Figure()
    times = _times(context)
    figure.update_layout(title_text=title, showlegend=True, legend_traceorder="normal")
    figure.update_xaxes(
        type="date",
        range=[times[0], times[-1]],
        tickformat="%H:%M",
        hoverformat="%-d %b %H:%M:%S",
    )
    figure.update_yaxes(rangemode="tozero")
    for promotion in context.promotions:
        _add_promotion_line(figure, context, promotion)
    return figure


def _add_promotion_line(figure: go.Figure, context: ChartContext, promotion: Promotion) -> None:
    """Add a dotted line at the time of a promotion."""
    moment = _local(promotion.time, context.zone)
    figure.add_shape(
        type="line",
        x0=moment,
        x1=moment,
        y0=0,
        y1=1,
        yref="paper",
        line={"color": PRIMARY, "width": 1.5, "dash": "dot"},
    )


def _add_promotion_label(figure: go.Figure, context: ChartContext, promotion: Promotion) -> None:
    """Add the beginning of the version's name along the line of its promotion."""
    moment = _local(promotion.time, context.zone)
    figure.add_annotation(
        x=moment,
        y=1,
        yref="paper",
        yanchor="top",
        xanchor="right",
        textangle=-90,
        text=promotion.model.partition(":")[2][:8],
        showarrow=False,
        font={"size": 11, "color": PRIMARY},
        hovertext=f"{promotion.model} was promoted at {moment:%H:%M:%S}",
    )


def add_line(
    figure: go.Figure,
    context: ChartContext,
    series: Series,
    name: str,
    colour: str,
    *,
    scale: float,
) -> None:
    """Add a line through the values times `scale`, with gaps where there are none."""
    figure.add_scatter(
        x=_times(context),
        y=[None if value is None else value * scale for value in series.values],
        name=name,
        line={"color": colour, "width": 2},
        hovertemplate="%{y:.3~g}",
    )


def _batch_shares(window: Window) -> tuple[list[str], list[list[float | None]]]:
    """Return names of batch sizes (`1`, `2`, `3-4`, …), and each size's share of the batches.

    A share is 0..1 for each time of the window, None for a size that did not occur.
    """
    found = window.select("wardrobe:batch_images_bucket:rate1m")
    # Buckets are cumulative: the last, +Inf, counts every batch.
    sizes = sorted(found, key=lambda series: float(series.labels["le"]))
    names: list[str] = []
    shares: list[list[float | None]] = []
    below, fewer = 0, (0.0,) * len(window.times)
    for series in sizes[:-1]:
        top, rates = int(float(series.labels["le"])), [value or 0.0 for value in series.values]
        names.append(str(top) if top - below == 1 else f"{below + 1}-{top}")
        shares.append(
            [
                (rate - less) / total if total and rate > less else None
                for rate, less, total in zip(rates, fewer, sizes[-1].values, strict=True)
            ]
        )
        below, fewer = top, tuple(rates)
    return names, shares


def _times(context: ChartContext) -> list[datetime]:
    return [_local(time, context.zone) for time in context.window.times]


def _local(time: float, zone: ZoneInfo) -> datetime:
    """Convert Unix seconds to a naive local time: Plotly draws times without a zone."""
    return datetime.fromtimestamp(time, zone).replace(tzinfo=None)
