"""Learning curves of a run or of a stored version, side by side."""

from collections.abc import Sequence

import streamlit as st

from app.charts import learning_curves
from app.charts.learning_curves import TrainingPoint
from app.clients import trainer
from app.clients.trainer import Epoch, Run, Step
from app.components.chart import chart

HEIGHT = 260


def fetch_steps(run: Run) -> list[Step]:
    """Return every step of a run so far; fetch only new ones. Raises ServiceError."""
    run_id, steps, after = st.session_state.get("steps", ("", [], 0))
    if run_id != run.run_id:
        steps, after = [], 0
    new_steps, after = trainer.steps(run.run_id, after)
    steps = [*steps, *new_steps]
    st.session_state["steps"] = (run.run_id, steps, after)
    return steps


def render_run_charts(run: Run, steps: Sequence[Step]) -> None:
    """Render loss and accuracy of a run; nothing while there is no data."""
    points = learning_curves.points_of_steps(steps, run.epochs_planned)
    _render(points, run.epochs, key="", end=run.epochs_planned, revision=run.run_id)


def render_version_charts(epochs: Sequence[Epoch], *, key: str) -> None:
    """Render the same charts of a stored version, whose epochs alone are known."""
    points = learning_curves.points_of_epochs(epochs)
    end = max((epoch.number for epoch in epochs), default=0)
    _render(points, epochs, key=f"_{key}", end=end, revision=key)


def _render(
    points: Sequence[TrainingPoint], epochs: Sequence[Epoch], *, key: str, end: int, revision: str
) -> None:
    if not points and not epochs:
        return
    figures = {
        "loss": learning_curves.loss_chart(points, epochs),
        "accuracy": learning_curves.accuracy_chart(points, epochs),
    }
    for column, (name, figure) in zip(st.columns(2, gap="medium"), figures.items(), strict=True):
        figure.update_layout(uirevision=revision)
        figure.update_xaxes(range=[0, end], dtick=max(1, end // 10))
        with column:
            chart(figure, key=f"{name}{key}", height=HEIGHT)
