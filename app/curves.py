"""Loss and accuracy of a run over its epochs: a thin line a step, marks at the end of epochs."""

from collections.abc import Callable, Sequence
from statistics import fmean as mean

import plotly.graph_objects as go
import streamlit as st

from app import trainer
from app.components.chart import chart
from app.trainer import Epoch, Run, Step

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
    """Two charts. Nothing while there is nothing to draw."""
    if not steps and not run.epochs:
        return
    left, right = st.columns(2, gap="medium")
    with left:
        chart(_loss(run, steps), key="loss", height=HEIGHT)
    with right:
        chart(_accuracy(run, steps), key="accuracy", height=HEIGHT)


def _loss(run: Run, steps: Sequence[Step]) -> go.Figure:
    figure = _figure(
        run, steps, "Loss", lambda step: step.loss, lambda epoch: epoch.validation_loss
    )
    figure.update_yaxes(rangemode="tozero")
    return figure


def _accuracy(run: Run, steps: Sequence[Step]) -> go.Figure:
    figure = _figure(
        run, steps, "Accuracy", lambda step: step.accuracy, lambda epoch: epoch.validation_accuracy
    )
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
    return figure


def _figure(
    run: Run,
    steps: Sequence[Step],
    title: str,
    of_step: Callable[[Step], float],
    of_epoch: Callable[[Epoch], float],
) -> go.Figure:
    line = _thinned(_positions(steps, run.epochs_planned), [of_step(step) for step in steps])
    figure = go.Figure()
    figure.add_scatter(
        x=[x for x, _ in line],
        y=[y for _, y in line],
        mode="lines",
        name="while training",
        line={"color": "var(--st-blue-color)", "width": 1.5},
    )
    figure.add_scatter(
        x=[epoch.number for epoch in run.epochs],
        y=[of_epoch(epoch) for epoch in run.epochs],
        mode="lines+markers",
        name="on pictures held back",
        line={"color": "var(--st-orange-color)", "width": 2},
        marker={"size": 7},
    )
    figure.update_layout(
        title_text=title,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        uirevision=run.run_id,
    )
    figure.update_xaxes(
        title_text="epoch", range=[0, run.epochs_planned], dtick=max(1, run.epochs_planned // 10)
    )
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
