"""Charts of the Metrics page: requests, latency, batches and predictions, as Plotly figures."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from app.charts.colours import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    ORANGE,
    PRIMARY,
    RED,
    VIOLET,
    YELLOW,
)
from app.charts.timeline import ChartContext, add_line, lone_markers, over_time
from app.clients.prometheus import Window
from app.text.formatting import percent
from app.text.translate import _

_CODES = {"2": (GREEN,), "4": (ORANGE, YELLOW, VIOLET, GREY), "5": (RED,)}
"""Colours of the HTTP codes by their first digit: the first code of a kind gets the first one."""


def requests_by_code(context: ChartContext) -> go.Figure:
    """Return stacked areas: requests per second by HTTP code, without codes that did not occur."""
    figure = over_time(context, _("Requests per second, by code"))
    found = [
        series
        for series in context.window.select("wardrobe:requests:rate1m", job="classifier")
        if any(series.values)
    ]
    seen: dict[str, int] = {}
    for series in sorted(found, key=lambda series: series.labels["http_response_code"]):
        code = series.labels["http_response_code"]
        colours = _CODES.get(code[0], (GREY,))
        index = seen[code[0]] = seen.get(code[0], -1) + 1
        figure.add_scatter(
            x=context.times,
            y=series.values,
            name=code,
            stackgroup="codes",
            line={"color": colours[index % len(colours)], "width": 1.5},
            hovertemplate="%{y:.1f}",
        )
    return figure


def latency(context: ChartContext) -> go.Figure:
    """Return percentiles of the latency of /classify, in milliseconds."""
    figure = over_time(context, _("Latency of /classify, ms"))
    for quantile, colour in (("p50", GREEN), ("p95", BLUE), ("p99", ORANGE)):
        name = f"wardrobe:latency_seconds:{quantile}"
        for series in context.window.select(name, endpoint="/classify"):
            add_line(figure, context, series, quantile, colour, scale=1000)
    return figure


def batch_sizes(context: ChartContext) -> go.Figure:
    """Return the distribution of batch sizes over time, and their mean."""
    figure = over_time(context, _("Pictures per batch"))
    heights, shares = _batch_shares(context.window)
    top = max((k for k, row in enumerate(shares) if any(row)), default=3) + 1
    figure.add_heatmap(
        x=context.times,
        y=list(range(top)),
        z=shares[:top],
        colorscale=[[0, FAINT], [0.5, PRIMARY], [1, PRIMARY]],
        showscale=False,
        zmin=0,
        zmax=1,
        customdata=[
            ["" if share is None else percent(share, 0) for share in row] for row in shares[:top]
        ],
        hovertemplate=_("{share} of the batches").format(share="%{customdata}") + "<extra></extra>",
    )
    for series in context.window.select("wardrobe:batch_images:avg"):
        # The heatmap's row k holds batches of up to 2**k pictures.
        figure.add_scatter(
            x=context.times,
            y=[math.log2(value) if value else None for value in series.values],
            customdata=series.values,
            name=_("mean"),
            mode="lines+markers",
            line={"color": ORANGE, "width": 2},
            marker={"color": ORANGE, "size": lone_markers(series.values)},
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
    figure = over_time(context, _("Requests in flight"))
    for series in context.window.select("wardrobe:in_flight:sum", job="classifier"):
        figure.add_scatter(
            x=context.times,
            y=series.values,
            name=_("in flight"),
            line={"color": BLUE, "width": 1.5, "shape": "hv"},
            fill="tozeroy",
            hovertemplate="%{y:.0f}",
        )
    return figure


def time_inside(context: ChartContext) -> go.Figure:
    """Return the time of queueing and of the forward pass, in milliseconds."""
    figure = over_time(context, _("Time in the classifier, p95, ms"))
    parts = (
        ("wardrobe:queue_seconds:p95", _("queue"), BLUE),
        ("wardrobe:inference_seconds:p95", _("forward pass"), GREEN),
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
    figure.update_layout(title_text=_("Predictions by class"), hovermode="closest", bargap=0.35)
    figure.update_xaxes(visible=False, range=[0, 1.15 * max((s for s, _ in ordered), default=1)])
    figure.update_yaxes(showgrid=False, ticksuffix="  ", dtick=1)
    return figure


def or_no_data(figure: go.Figure) -> go.Figure:
    """Return the figure; if it has no values, with a note instead of an empty scale."""
    rows = [row for trace in figure.data for row in _values(trace)]
    if all(value is None for row in rows for value in row):
        figure.update_yaxes(showticklabels=False, showgrid=False)
        figure.update_layout(showlegend=False)
        figure.add_annotation(
            text=_("No data in this time range"),
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
