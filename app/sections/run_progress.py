"""How far a training run is, and how it ended, in words."""

import streamlit as st

from app.clients.trainer import Run
from app.text.formatting import percent, remaining

_PHASES = {
    "waiting": "Starting",
    "loading data": "Loading the pictures",
    "looking at corrections": "Looking at the corrections",
    "training": "Training",
    "testing": "Testing on pictures it has not seen",
    "saving": "Saving the model",
    "comparing": "Comparing it with the version that is served",
    "promoting": "Serving the model",
    "done": "Done",
}


def show(run: Run) -> None:
    """A progress bar for a run that goes on."""
    st.progress(run.progress, text=_line(run))


def ending(run: Run) -> str:
    """How a run that has ended did end, as a sentence."""
    reason = f" {run.error}" if run.error else ""
    match run.state:
        case "succeeded" if run.result is not None:
            return f"Finished: {percent(run.result.accuracy)} of the test pictures are right."
        case "failed":
            return f"The run failed.{reason}"
        case "cancelled":
            return "The run was cancelled."
        case "interrupted":
            return f"The run was interrupted: its process ended before it was done.{reason}"
        case other:
            return f"The run ended as {other}.{reason}"


def _line(run: Run) -> str:
    phase = "Waiting to start" if run.state == "queued" else _PHASES.get(run.phase, run.phase)
    parts = [phase]
    if run.phase == "training" and run.state == "running":
        current = min(run.epochs_done + 1, run.epochs_planned)
        parts.append(f"epoch {current} of {run.epochs_planned}")
    parts.append(f"{run.progress:.0%}")
    if run.eta_seconds is not None:
        parts.append(f"about {remaining(run.eta_seconds)} left")
    return " · ".join(parts)
