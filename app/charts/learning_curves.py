"""Loss and accuracy of a run over its epochs: a thin line a step, marks at the end of epochs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean as mean

import plotly.graph_objects as go
import streamlit as st

from app.clients import trainer
from app.clients.trainer import Epoch, Run, Step
from app.components.chart import chart

MOST_POINTS = 240  # on the line: more cannot be told apart at this size
HEIGHT = 260


def steps_of(run: Run) -> list[Step]:
    """Every step of a run so far; asks only for those that are new. Raises ServiceError."""
    run_id, steps, after = st.session_state.get("steps", ("", [], 0))
    if run_id != run.run_id:
        steps, after = [], 0
    fresh, after = trainer.steps(run.run_id, after)
    steps = [*steps, *fresh]
    st.session_state["steps"] = (run.run_id, steps, after)
    return steps


def show(run: Run, steps: Sequence[Step]) -> None:
    """Two charts of a run, live. Nothing while there is nothing to draw."""
    positions = _positions(steps, run.epochs_planned)
    points = [
        _Point(position, step.loss, step.accuracy)
        for position, step in zip(positions, steps, strict=True)
    ]
    _show(points, run.epochs, key="", end=run.epochs_planned, revision=run.run_id)


def show_epochs(epochs: Sequence[Epoch], *, key: str) -> None:
    """The same charts of a training that is over, of which only the epochs are known."""
    points = [_Point(epoch.number, epoch.loss, epoch.accuracy) for epoch in epochs]
    end = max((epoch.number for epoch in epochs), default=0)
    _show(points, epochs, key=f"_{key}", end=end, revision=key)


@dataclass(frozen=True)
class _Point:
    """Loss and accuracy while training; `position` is in epochs."""

    position: float
    loss: float
    accuracy: float


def _show(
    points: Sequence[_Point], epochs: Sequence[Epoch], *, key: str, end: int, revision: str
) -> None:
    if not points and not epochs:
        return
    positions = [point.position for point in points]
    ends = [epoch.number for epoch in epochs]
    loss = _figure(
        "Loss",
        (positions, [point.loss for point in points]),
        (ends, [epoch.validation_loss for epoch in epochs]),
    )
    loss.update_yaxes(rangemode="tozero")
    accuracies = [point.accuracy for point in points]
    held_back = [epoch.validation_accuracy for epoch in epochs]
    accuracy = _figure("Accuracy", (positions, accuracies), (ends, held_back))
    # From the last ten per cent below the lowest: the two lines often lie close together.
    floor = math.floor(min([*accuracies, *held_back]) * 10) / 10
    accuracy.update_yaxes(range=[min(floor, 0.9), 1], tickformat=".0%")
    for column, figure, name in zip(
        st.columns(2, gap="medium"), (loss, accuracy), ("loss", "accuracy"), strict=True
    ):
        figure.update_layout(uirevision=revision)
        figure.update_xaxes(range=[0, end], dtick=max(1, end // 10))
        with column:
            chart(figure, key=f"{name}{key}", height=HEIGHT)


def _figure(
    title: str,
    training: tuple[Sequence[float], Sequence[float]],
    held_back: tuple[Sequence[float], Sequence[float]],
) -> go.Figure:
    """Two lines; each is its places, in epochs, and its values there."""
    line = _thinned(*training)
    figure = go.Figure()
    figure.add_scatter(
        x=[x for x, _ in line],
        y=[y for _, y in line],
        # A line of one point is not to be seen.
        mode="lines+markers" if len(line) == 1 else "lines",
        name="while training",
        line={"color": "var(--st-blue-color)", "width": 1.5},
    )
    figure.add_scatter(
        x=list(held_back[0]),
        y=list(held_back[1]),
        mode="lines+markers",
        name="on pictures held back",
        line={"color": "var(--st-orange-color)", "width": 2},
        marker={"size": 7},
    )
    figure.update_layout(
        title_text=title,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(automargin=True)
    return figure


def _positions(steps: Sequence[Step], epochs: int) -> list[float]:
    """Where each step lies, in epochs.

    How many steps an epoch has is known once one is over; until then progress has to tell.
    """
    if not steps:
        return []
    latest = steps[-1].epoch
    longest = max((step.step for step in steps if step.epoch < latest), default=0)
    if not longest:
        return [step.progress * epochs for step in steps]
    return [step.epoch - 1 + step.step / longest for step in steps]


def _thinned(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    """At most MOST_POINTS points, each the mean of its neighbours."""
    size = max(1, -(-len(xs) // MOST_POINTS))
    starts = range(0, len(xs), size)
    return [(mean(xs[start : start + size]), mean(ys[start : start + size])) for start in starts]
