"""The charts of the Metrics page about whether the answers are still right."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.per_class import signed_axes
from app.charts.traffic import BLUE, GREEN, ORANGE, PRIMARY, RED, Picture, add_line, over_time
from app.monitoring.drift import DRIFTED, Share
from app.text.formatting import percent, points

_LEAST_SPAN = 0.1
"""What the axis of moved classes holds at least: what chance moves shall look as small as it is."""


def drift(picture: Picture) -> go.Figure:
    """Both indices of population stability, and the line above which there is an alert."""
    figure = over_time(picture, "Drift: population stability index")
    _add(figure, picture, "wardrobe:predictions:psi5m", "answers", BLUE)
    _add(figure, picture, "wardrobe:brightness:psi5m", "pictures", ORANGE)
    highest = max((max(_known(trace.y), default=0) for trace in figure.data), default=0)
    figure.update_yaxes(range=[0, max(1.1 * highest, 1.4 * DRIFTED)])
    figure.add_shape(
        type="line",
        xref="paper",
        x0=0,
        x1=1,
        y0=DRIFTED,
        y1=DRIFTED,
        line={"color": RED, "width": 1.5, "dash": "dash"},
    )
    figure.add_annotation(
        xref="paper",
        x=0,
        xanchor="left",
        y=DRIFTED,
        yanchor="bottom",
        text=f"above {DRIFTED}: drifted",
        showarrow=False,
        font={"size": 11, "color": RED},
    )
    return figure


def certainty(picture: Picture) -> go.Figure:
    """The estimated accuracy, and how often the shadow says the same, in percent."""
    figure = over_time(picture, "Estimated accuracy, and agreement of the shadow, %")
    _add(figure, picture, "wardrobe:estimated_accuracy:ratio5m", "accuracy", GREEN, 100)
    _add(figure, picture, "wardrobe:shadow_agreement:ratio5m", "agreement", BLUE, 100)
    lowest = min((min(_known(trace.y), default=100) for trace in figure.data), default=100)
    figure.update_yaxes(range=[50 if lowest >= 50 else 0, 102])
    return figure


def moved(shares: Sequence[Share]) -> go.Figure:
    """A signed bar for each class: how much of the answers it gained or lost."""
    figure = go.Figure()
    figure.add_bar(
        x=[share.change for share in shares],
        y=[share.label for share in shares],
        orientation="h",
        marker_color=PRIMARY,
        text=[f"{share.baseline:.0%} → {share.now:.0%}" for share in shares],
        textposition="outside",
        cliponaxis=False,
        customdata=[
            f"{percent(share.now)} now, {percent(share.baseline)} on validation pictures "
            f"({points(share.change)})"
            for share in shares
        ],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
    # Room for the words beside the longest bar, on both sides.
    end = 1.9 * max([_LEAST_SPAN, *(abs(share.change) for share in shares)])
    figure.update_layout(
        title_text="Share of the answers: on validation pictures → now",
        hovermode="closest",
        bargap=0.35,
        showlegend=False,
    )
    signed_axes(figure, end)
    return figure


def _add(
    figure: go.Figure, picture: Picture, name: str, label: str, colour: str, scale: float = 1
) -> None:
    """A line for each version that has such a series, all of one colour and name."""
    for place, series in enumerate(picture.window.select(name)):
        add_line(figure, picture, series, label, colour, scale=scale)
        figure.data[-1].showlegend = place == 0


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
