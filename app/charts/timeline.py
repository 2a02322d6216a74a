"""Charts over time: the axis, lines, the promotions, and the times of load tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from app.charts.colours import BLUE, PRIMARY
from app.clients.prometheus import Series, Window
from app.clients.version_names import version_name
from app.monitoring.snapshot import LoadTest, Promotion
from app.text.translate import _

_LONE_MARKER = 6  # pixels


@dataclass(frozen=True)
class ChartContext:
    """Data that all charts share: the window, the visitor's time zone, promotions, load tests."""

    window: Window
    zone: ZoneInfo
    promotions: Sequence[Promotion]
    load_tests: Sequence[LoadTest] = ()

    @cached_property
    def times(self) -> list[str]:
        """The window's times. They are local and without a zone, which Plotly does not know.

        As text: Plotly takes long to check moments.
        """
        return [self.local(time).isoformat() for time in self.window.times]

    def local(self, time: float) -> datetime:
        """Convert Unix seconds to the visitor's time, without a zone."""
        return datetime.fromtimestamp(time, self.zone).replace(tzinfo=None)


def over_time(context: ChartContext, title: str) -> go.Figure:
    """Return a figure to add lines to, with the window's axis, its promotions and load tests."""
    figure = go.Figure()
    times = context.times
    figure.update_layout(title_text=title, showlegend=True, legend_traceorder="normal")
    figure.update_xaxes(
        type="date",
        range=[times[0], times[-1]],
        tickformat="%H:%M",
        hoverformat="%-d %b %H:%M:%S",
    )
    figure.update_yaxes(rangemode="tozero")
    for load_test in context.load_tests:
        _add_load_test(figure, context, load_test)
    for promotion in context.promotions:
        _add_promotion(figure, context, promotion)
    return figure


def add_line(
    figure: go.Figure,
    context: ChartContext,
    series: Series,
    name: str,
    colour: str,
    *,
    scale: float,
) -> None:
    """Add a line through the values times `scale`, with gaps where there are none.

    A value without neighbours, which no line reaches, has a dot.
    """
    figure.add_scatter(
        x=context.times,
        y=[None if value is None else value * scale for value in series.values],
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"color": colour, "size": lone_markers(series.values)},
        hovertemplate="%{y:.3~g}",
    )


def lone_markers(values: Sequence[float | None]) -> list[int]:
    """Return the size of each value's dot: 0 but for those without a neighbour."""
    padded = [None, *values, None]
    return [
        _LONE_MARKER if before is None and value is not None and after is None else 0
        for before, value, after in zip(padded, values, padded[2:], strict=False)
    ]


def _add_load_test(figure: go.Figure, context: ChartContext, load_test: LoadTest) -> None:
    """Shade the time in which pictures of a load test count."""
    figure.add_shape(
        type="rect",
        x0=context.local(load_test.start),
        x1=context.local(load_test.end),
        y0=0,
        y1=1,
        yref="paper",
        line={"width": 0},
        fillcolor=BLUE,
        opacity=0.12,
        layer="below",
    )
    figure.add_annotation(
        x=context.local(load_test.start),
        y=1,
        yref="paper",
        xanchor="left",
        yanchor="top",
        text=_("burst"),
        showarrow=False,
        font={"size": 11, "color": BLUE},
        bgcolor="var(--st-background-color)",
        borderpad=1,
    )


def _add_promotion(figure: go.Figure, context: ChartContext, promotion: Promotion) -> None:
    """Add a dotted line at a promotion, with the version's name. A click on the name is a mark."""
    moment = context.local(promotion.time)
    figure.add_shape(
        type="line",
        x0=moment,
        x1=moment,
        y0=0,
        y1=1,
        yref="paper",
        line={"color": PRIMARY, "width": 1.5, "dash": "dot"},
    )
    name = version_name(promotion.model)
    figure.add_annotation(
        name=promotion.model,
        captureevents=True,
        x=moment,
        y=1,
        yref="paper",
        yanchor="top",
        xanchor="right",
        text=name,
        showarrow=False,
        font={"size": 11, "color": PRIMARY},
        hovertext=_("{version} was promoted at {time}. Click for details.").format(
            version=name, time=f"{moment:%H:%M:%S}"
        ),
    )
