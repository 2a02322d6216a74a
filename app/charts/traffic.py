"""The Metrics page's charts: what Prometheus recorded, as Plotly figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from app.clients.prometheus import Series, Window
from app.monitoring.snapshot import Promotion

GREEN = "var(--st-green-color)"
ORANGE = "var(--st-orange-color)"
RED = "var(--st-red-color)"
BLUE = "var(--st-blue-color)"
GREY = "var(--st-gray-color)"
PRIMARY = "var(--st-primary-color)"
FAINT = "var(--st-secondary-background-color)"
LINE = "var(--st-border-color)"


@dataclass(frozen=True)
class Picture:
    """What the charts of one moment share: the window, the reader's time zone, the marks."""

    window: Window
    zone: ZoneInfo
    promotions: Sequence[Promotion]


def requests_by_code(picture: Picture) -> go.Figure:
    """Stacked areas, requests per second by HTTP code."""
    figure = over_time(picture, "Requests per second, by HTTP code")
    for promotion in picture.promotions:
        _add_mark_name(figure, picture, promotion)
    found = picture.window.select("wardrobe:requests:rate1m", job="classifier")
    for series in sorted(found, key=lambda series: series.labels["http_response_code"]):
        code = series.labels["http_response_code"]
        colour = {"2": GREEN, "4": ORANGE, "5": RED}.get(code[0], GREY)
        figure.add_scatter(
            x=_clock(picture),
            y=series.values,
            name=code,
            stackgroup="codes",
            line={"color": colour, "width": 1.5},
            hovertemplate="%{y:.1f}",
        )
    return figure


def answer_time(picture: Picture) -> go.Figure:
    """Percentiles of the time that /classify takes, in milliseconds."""
    figure = over_time(picture, "Answer time of /classify, milliseconds")
    for quantile, colour in (("p50", GREEN), ("p95", BLUE), ("p99", ORANGE)):
        name = f"wardrobe:latency_seconds:{quantile}"
        for series in picture.window.select(name, endpoint="/classify"):
            add_line(figure, picture, series, quantile, colour, scale=1000)
    return figure


def batch_sizes(picture: Picture) -> go.Figure:
    """At each time, how the forward passes share out over sizes; and their mean size."""
    figure = over_time(picture, "Pictures in each batch")
    heights, shares = _batch_shares(picture.window)
    top = max((k for k, row in enumerate(shares) if any(row)), default=3) + 1
    figure.add_heatmap(
        x=_clock(picture),
        y=list(range(top)),
        z=shares[:top],
        colorscale=[[0, FAINT], [0.5, PRIMARY], [1, PRIMARY]],
        showscale=False,
        zmin=0,
        zmax=1,
        hovertemplate="%{z:.0%} of the batches<extra></extra>",
    )
    for series in picture.window.select("wardrobe:batch_images:avg"):
        # The heatmap's row k holds batches of up to 2**k pictures.
        figure.add_scatter(
            x=_clock(picture),
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


def in_flight(picture: Picture) -> go.Figure:
    """Requests taken and not yet answered, as each scrape found them."""
    figure = over_time(picture, "Requests in flight")
    for series in picture.window.select("wardrobe:in_flight:sum", job="classifier"):
        figure.add_scatter(
            x=_clock(picture),
            y=series.values,
            name="in flight",
            line={"color": BLUE, "width": 1.5, "shape": "hv"},
            fill="tozeroy",
            hovertemplate="%{y:.0f}",
        )
    return figure


def inside(picture: Picture) -> go.Figure:
    """Where the time goes inside the classifier, in milliseconds."""
    figure = over_time(picture, "Inside the classifier, p95, milliseconds")
    parts = (
        ("wardrobe:queue_seconds:p95", "waiting for a batch", BLUE),
        ("wardrobe:inference_seconds:p95", "forward pass", GREEN),
    )
    for name, label, colour in parts:
        for series in picture.window.select(name):
            add_line(figure, picture, series, label, colour, scale=1000)
    return figure


def predicted_classes(picture: Picture) -> go.Figure:
    """Each class's share of the answers in the window, the most frequent on top."""
    shares = {
        series.labels["label"]: sum(value or 0 for value in series.values)
        for series in picture.window.select("wardrobe:predictions:rate1m")
    }
    total = sum(shares.values()) or 1
    ordered = sorted((share / total, label) for label, share in shares.items() if share)
    figure = go.Figure()
    figure.add_bar(
        x=[share for share, _ in ordered],
        y=[label for _, label in ordered],
        orientation="h",
        marker_color=PRIMARY,
        texttemplate="%{x:.0%}",
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{x:.1%}<extra></extra>",
    )
    figure.update_layout(title_text="Answers by class", hovermode="closest", bargap=0.35)
    figure.update_xaxes(visible=False, range=[0, 1.15 * max((s for s, _ in ordered), default=1)])
    figure.update_yaxes(showgrid=False, ticksuffix="  ", dtick=1)
    return figure


def training(picture: Picture) -> go.Figure:
    """Progress and accuracy in percent, loss on an axis of its own."""
    figure = over_time(picture, "Training")
    lines = (
        ("wardrobe:training_progress:max", "progress, %", GREY, 100),
        ("wardrobe:training_accuracy:max", "accuracy, %", GREEN, 100),
        ("wardrobe:training_loss:max", "loss, right axis", ORANGE, 1),
    )
    for name, label, colour, scale in lines:
        for series in picture.window.select(name):
            # A gauge that was never set reads 0, which no run has as its loss or accuracy.
            known = replace(series, values=tuple(value or None for value in series.values))
            add_line(figure, picture, known, label, colour, scale=scale)
            if "loss" in name:
                figure.data[-1].yaxis = "y2"
    figure.update_layout(
        yaxis_range=[0, 104],
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "rangemode": "tozero",
            "tickformat": ".1f",
            "nticks": 4,
        },
    )
    return figure


def or_nothing(figure: go.Figure) -> go.Figure:
    """The figure; one without a single value says so instead of showing a scale of nothing."""
    rows = [row for trace in figure.data for row in _rows(trace)]
    if all(value is None for row in rows for value in row):
        figure.update_yaxes(showticklabels=False, showgrid=False)
        figure.update_layout(showlegend=False)
        figure.add_annotation(
            text="nothing in this time",
            x=0.5,
            y=0.5,
            xref="paper",
            yref="paper",
            showarrow=False,
            font={"color": GREY, "size": 13},
        )
    return figure


def _rows(trace: Any) -> Sequence[Sequence[float | None]]:
    """The measured values of a trace."""
    if trace.type == "heatmap":
        return trace.z or ()
    return [(trace.x if trace.type == "bar" else trace.y) or ()]


def over_time(picture: Picture, title: str) -> go.Figure:
    """A figure to add lines to, with the window's clock and its promotions."""
    figure = go.Figure()
    clock = _clock(picture)
    figure.update_layout(title_text=title, showlegend=True, legend_traceorder="normal")
    figure.update_xaxes(
        type="date",
        range=[clock[0], clock[-1]],
        tickformat="%H:%M",
        hoverformat="%-d %b %H:%M:%S",
    )
    figure.update_yaxes(rangemode="tozero")
    for promotion in picture.promotions:
        _add_mark(figure, picture, promotion)
    return figure


def _add_mark(figure: go.Figure, picture: Picture, promotion: Promotion) -> None:
    """A dotted line where a model was promoted."""
    moment = _local(promotion.time, picture.zone)
    figure.add_shape(
        type="line",
        x0=moment,
        x1=moment,
        y0=0,
        y1=1,
        yref="paper",
        line={"color": PRIMARY, "width": 1.5, "dash": "dot"},
    )


def _add_mark_name(figure: go.Figure, picture: Picture, promotion: Promotion) -> None:
    """The beginning of the version, along its mark."""
    moment = _local(promotion.time, picture.zone)
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
    figure: go.Figure, picture: Picture, series: Series, name: str, colour: str, *, scale: float
) -> None:
    """A line through what was measured, in its unit times `scale`; a gap where nothing was."""
    figure.add_scatter(
        x=_clock(picture),
        y=[None if value is None else value * scale for value in series.values],
        name=name,
        line={"color": colour, "width": 2},
        hovertemplate="%{y:.3~g}",
    )


def _batch_shares(window: Window) -> tuple[list[str], list[list[float | None]]]:
    """Names of the sizes (`1`, `2`, `3-4`, …), and each one's share of the batches over time.

    A share is 0..1, None for a size that did not occur.
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


def _clock(picture: Picture) -> list[datetime]:
    return [_local(time, picture.zone) for time in picture.window.times]


def _local(time: float, zone: ZoneInfo) -> datetime:
    """The reader's clock. Plotly knows no time zones: it draws what a naive time says."""
    return datetime.fromtimestamp(time, zone).replace(tzinfo=None)
