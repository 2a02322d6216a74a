"""Charts of model health: drift, unknown pictures, estimated accuracy, each class's share."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.colours import BLUE, GREEN, ORANGE, PRIMARY, RED
from app.charts.per_class import signed_axes
from app.charts.timeline import ChartContext, add_line, over_time
from app.monitoring.drift import DRIFTED, MANY_UNKNOWN, Share
from app.text.formatting import percent, points
from app.text.translate import _

_MIN_SPAN = 0.1
"""Smallest half-width of the axis of shares: random changes must look as small as they are."""


def drift_chart(context: ChartContext) -> go.Figure:
    """Return both population stability indices, and the threshold of the alert."""
    figure = over_time(context, _("Drift: population stability index"))
    _add(figure, context, "wardrobe:predictions:psi5m", _("predictions"), BLUE)
    _add(figure, context, "wardrobe:brightness:psi5m", _("inputs"), ORANGE)
    _add_limit(figure, DRIFTED, _("above {limit}: drifted").format(limit=DRIFTED))
    return figure


def unknown_chart(context: ChartContext) -> go.Figure:
    """Return the share of unknown pictures, in percent, and the threshold of the alert."""
    figure = over_time(context, _("Unknown pictures, %"))
    _add(figure, context, "wardrobe:unknown_pictures:ratio5m", _("unknown"), ORANGE, 100)
    limit = round(100 * MANY_UNKNOWN)
    _add_limit(figure, limit, _("above {limit} %: many").format(limit=limit))
    return figure


def accuracy_chart(context: ChartContext) -> go.Figure:
    """Return the estimated accuracy and the agreement of the shadow version, in percent."""
    figure = over_time(context, _("Estimated accuracy and shadow agreement, %"))
    _add(figure, context, "wardrobe:estimated_accuracy:ratio5m", _("accuracy"), GREEN, 100)
    _add(figure, context, "wardrobe:shadow_agreement:ratio5m", _("agreement"), BLUE, 100)
    lowest = min((min(_known(trace.y), default=100) for trace in figure.data), default=100)
    figure.update_yaxes(range=[50 if lowest >= 50 else 0, 102])
    return figure


def share_chart(shares: Sequence[Share]) -> go.Figure:
    """Return a signed bar for each class: the change of its share of the predictions."""
    figure = go.Figure()
    figure.add_bar(
        x=[share.change for share in shares],
        y=[share.label for share in shares],
        orientation="h",
        marker_color=PRIMARY,
        text=[f"{percent(share.baseline, 0)} → {percent(share.now, 0)}" for share in shares],
        textposition="outside",
        cliponaxis=False,
        customdata=[
            _("{now} now, {baseline} on validation pictures ({change})").format(
                now=percent(share.now),
                baseline=percent(share.baseline),
                change=points(share.change),
            )
            for share in shares
        ],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
    # Leave room for the text beside the longest bar, on both sides.
    end = 1.9 * max([_MIN_SPAN, *(abs(share.change) for share in shares)])
    figure.update_layout(
        title_text=_("Share of predictions: validation → now"),
        hovermode="closest",
        bargap=0.35,
        showlegend=False,
    )
    signed_axes(figure, end)
    return figure


def _add(
    figure: go.Figure, context: ChartContext, name: str, label: str, colour: str, scale: float = 1
) -> None:
    """Add a line for each version with such a series, all of one colour and name."""
    for index, series in enumerate(context.window.select(name)):
        add_line(figure, context, series, label, colour, scale=scale)
        figure.data[-1].showlegend = index == 0


def _add_limit(figure: go.Figure, limit: float, text: str) -> None:
    """Add the line above which an alert fires; the axis begins at 0 and shows it."""
    highest = max((max(_known(trace.y), default=0) for trace in figure.data), default=0)
    figure.update_yaxes(range=[0, max(1.1 * highest, 1.4 * limit)])
    figure.add_shape(
        type="line",
        xref="paper",
        x0=0,
        x1=1,
        y0=limit,
        y1=limit,
        line={"color": RED, "width": 1.5, "dash": "dash"},
    )
    figure.add_annotation(
        xref="paper",
        x=0,
        xanchor="left",
        y=limit,
        yanchor="bottom",
        text=text,
        showarrow=False,
        font={"size": 11, "color": RED},
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
