"""Table of all runs."""

from datetime import datetime

import pandas as pd
import streamlit as st

from app.clients.classifier import version_of
from app.clients.trainer import Run
from app.text.formatting import ago, duration, named, percent


def render_history(runs: list[Run]) -> None:
    """Render a table of all runs, newest first."""
    st.header("All runs")
    if not runs:
        st.write("No runs yet.")
        return
    table = pd.DataFrame([_row(run) for run in runs])
    empty = [name for name in ("Decision", "Started by", "Problem") if not table[name].any()]
    st.dataframe(
        table.drop(columns=empty),
        hide_index=True,
        column_config={"Problem": st.column_config.TextColumn(width="large")},
        alt="One row per run: start, state, recipe, epochs, accuracy, duration, version",
    )


def _row(run: Run) -> dict[str, object]:
    started: datetime = run.started_at or run.created_at
    return {
        "Started": ago(started),
        "State": run.state,
        "Recipe": run.recipe,
        "Epochs": f"{run.epochs_done} of {run.epochs_planned}",
        "Seed": run.seed,
        "Accuracy": percent(run.result.accuracy) if run.result else "",
        "Duration": duration(run.seconds) if run.seconds is not None else "",
        "Version": version_of(run.result.model) if run.result else "",
        "Decision": _decision(run),
        "Problem": run.error or "",
        "Started by": named(run.actor) or "",
    }


def _decision(run: Run) -> str:
    if run.gate is None:
        return ""
    return "promoted" if run.gate.promoted else "not promoted"
