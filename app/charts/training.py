"""Charts of training as Prometheus recorded it: progress and accuracy, and loss."""

from dataclasses import replace

import plotly.graph_objects as go

from app.charts.colours import GREEN, GREY, ORANGE
from app.charts.timeline import ChartContext, add_line, over_time
from app.text.translate import _


def progress_chart(context: ChartContext) -> go.Figure:
    """Return progress of the run and accuracy of its batches, in percent."""
    figure = over_time(context, _("Training: progress and accuracy, %"))
    _add(figure, context, "wardrobe:training_progress:max", _("progress"), GREY, 100)
    _add(figure, context, "wardrobe:training_accuracy:max", _("accuracy"), GREEN, 100)
    figure.update_yaxes(range=[0, 104])
    return figure


def loss_chart(context: ChartContext) -> go.Figure:
    """Return the loss of the run's batches."""
    figure = over_time(context, _("Training: loss"))
    _add(figure, context, "wardrobe:training_loss:max", _("loss"), ORANGE, 1)
    return figure


def _add(
    figure: go.Figure, context: ChartContext, name: str, label: str, colour: str, scale: float
) -> None:
    for series in context.window.select(name):
        # A gauge that was never set reads 0, which no run has as its loss or accuracy.
        known = replace(series, values=tuple(value or None for value in series.values))
        add_line(figure, context, known, label, colour, scale=scale)
