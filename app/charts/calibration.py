"""Chart of a version's calibration: how often it is right, by how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from app.charts.colours import GREY, PRIMARY
from app.text.formatting import percent
from app.text.translate import _

_DRAWN_FROM = 10
"""Pictures of a bin: the accuracy of fewer is mostly chance."""

_LEAST_SIZE, _MORE_SIZE = 6, 16
"""Pixels of a marker: that of few pictures, and how much more that of all of them has."""


@dataclass(frozen=True)
class Bin:
    """Test pictures of about the same confidence: how many, and their means, 0..1."""

    pictures: int
    confidence: float
    accuracy: float


def drawn(bins: Sequence[Bin]) -> list[Bin]:
    """Return the bins with enough pictures to be drawn."""
    return [it for it in bins if it.pictures >= _DRAWN_FROM]


def calibration_chart(bins: Sequence[Bin]) -> go.Figure:
    """Return accuracy over confidence beside the diagonal, where both are the same.

    Bins of very few pictures are left out.
    """
    total, bins = sum(it.pictures for it in bins) or 1, drawn(bins)
    figure = go.Figure()
    figure.add_shape(
        type="line", x0=0, y0=0, x1=1, y1=1, line={"color": GREY, "width": 1, "dash": "dot"}
    )
    figure.add_scatter(
        x=[it.confidence for it in bins],
        y=[it.accuracy for it in bins],
        mode="lines+markers",
        line={"color": PRIMARY, "width": 2},
        marker={
            "size": [_LEAST_SIZE + _MORE_SIZE * (it.pictures / total) ** 0.5 for it in bins],
            "opacity": 1,
        },
        name=_("How often right"),
        customdata=[words(it) for it in bins],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        title_text=_("How sure it is, and how often it is right"),
        hovermode="closest",
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
    )
    figure.update_xaxes(title_text=_("How sure"), range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(title_text=_("How often right"), range=[0, 1.04], tickformat=".0%")
    return figure


def words(one: Bin) -> str:
    """Say what a bin shows."""
    return _("{sure} sure: {right} of {count} right").format(
        sure=percent(one.confidence, 0), right=percent(one.accuracy, 0), count=f"{one.pictures:,}"
    )
