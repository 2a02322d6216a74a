"""Loss and accuracy over the epochs of a run: a line of steps, markers at the end of epochs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean as mean

import plotly.graph_objects as go

from app.clients.trainer import Epoch, Step
from app.text.translate import _

MAX_POINTS = 240  # on a line; more cannot be told apart at this size


@dataclass(frozen=True)
class TrainingPoint:
    """Training loss and accuracy (0..1); `position` is in epochs."""

    position: float
    loss: float
    accuracy: float


def points_of_steps(steps: Sequence[Step], epochs_planned: int) -> list[TrainingPoint]:
    """Return a point for each step of a run."""
    return [
        TrainingPoint(position, step.loss, step.accuracy)
        for position, step in zip(_positions(steps, epochs_planned), steps, strict=True)
    ]


def points_of_epochs(epochs: Sequence[Epoch]) -> list[TrainingPoint]:
    """Return a point for each epoch, for a run whose steps are not stored."""
    return [TrainingPoint(epoch.number, epoch.loss, epoch.accuracy) for epoch in epochs]


def loss_chart(points: Sequence[TrainingPoint], epochs: Sequence[Epoch]) -> go.Figure:
    """Return the training loss and the validation loss over epochs."""
    figure = _figure(
        _("Loss"),
        ([point.position for point in points], [point.loss for point in points]),
        ([epoch.number for epoch in epochs], [epoch.validation_loss for epoch in epochs]),
    )
    figure.update_yaxes(rangemode="tozero", hoverformat=".3f")
    return figure


def accuracy_chart(points: Sequence[TrainingPoint], epochs: Sequence[Epoch]) -> go.Figure:
    """Return the training accuracy and the validation accuracy over epochs, in percent."""
    training = [point.accuracy * 100 for point in points]
    validation = [epoch.validation_accuracy * 100 for epoch in epochs]
    figure = _figure(
        _("Accuracy"),
        ([point.position for point in points], training),
        ([epoch.number for epoch in epochs], validation),
    )
    # Start at the ten per cent below the lowest value: the two lines often lie close together.
    floor = math.floor(min([*training, *validation]) / 10) * 10
    figure.update_yaxes(range=[min(floor, 90), 100], ticksuffix=" %", hoverformat=".1f")
    return figure


def _figure(
    title: str,
    training: tuple[Sequence[float], Sequence[float]],
    validation: tuple[Sequence[float], Sequence[float]],
) -> go.Figure:
    """Return a figure with two lines; each is given as positions in epochs, and values."""
    line = _thinned(*training)
    figure = go.Figure()
    figure.add_scatter(
        x=[x for x, y in line],
        y=[y for x, y in line],
        # A line of one point is invisible.
        mode="lines+markers" if len(line) == 1 else "lines",
        name=_("training pictures"),
        line={"color": "var(--st-blue-color)", "width": 1.5},
    )
    figure.add_scatter(
        x=list(validation[0]),
        y=list(validation[1]),
        mode="lines+markers",
        name=_("validation pictures"),
        line={"color": "var(--st-orange-color)", "width": 2},
        marker={"size": 7},
    )
    figure.update_layout(
        title_text=title,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title_text=_("epoch"))
    figure.update_yaxes(automargin=True)
    return figure


def _positions(steps: Sequence[Step], epochs: int) -> list[float]:
    """Return the position of each step in epochs.

    The number of steps in an epoch is known once one is complete; before that, the position is
    computed from the progress of the run.
    """
    if not steps:
        return []
    latest = steps[-1].epoch
    longest = max((step.step for step in steps if step.epoch < latest), default=0)
    if not longest:
        return [step.progress * epochs for step in steps]
    return [step.epoch - 1 + step.step / longest for step in steps]


def _thinned(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    """Return at most MAX_POINTS points, each the mean of its neighbours."""
    size = max(1, -(-len(xs) // MAX_POINTS))
    starts = range(0, len(xs), size)
    return [(mean(xs[start : start + size]), mean(ys[start : start + size])) for start in starts]
