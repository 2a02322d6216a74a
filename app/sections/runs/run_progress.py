"""Progress and end of a training run, in words."""

import streamlit as st

from app.clients.trainer import Run
from app.text.formatting import percent, remaining

_PHASES = {
    "waiting": "Starting",
    "loading data": "Loading pictures",
    "checking corrections": "Checking corrections",
    "training": "Training",
    "calibrating": "Calibrating its confidence",
    "testing": "Testing",
    "saving": "Saving the model",
    "comparing": "Comparing with the live version",
    "promoting": "Going live",
    "done": "Done",
}


def render_progress(run: Run) -> None:
    """Render the progress bar of an active run."""
    st.progress(run.progress, text=_progress_text(run))


def end_message(run: Run) -> str:
    """Return a sentence that says how a run ended."""
    reason = f" {run.error}" if run.error else ""
    match run.state:
        case "succeeded" if run.result is not None:
            return f"Finished: {percent(run.result.accuracy)} of the test pictures right."
        case "failed":
            return f"The run failed.{reason}"
        case "cancelled":
            return "The run was cancelled."
        case "interrupted":
            return f"The run was interrupted before it finished.{reason}"
        case other:
            return f"The run ended as {other}.{reason}"


def _progress_text(run: Run) -> str:
    phase = "Waiting to start" if run.state == "queued" else _PHASES.get(run.phase, run.phase)
    parts = [phase]
    if run.phase == "training" and run.state == "running":
        current = min(run.epochs_done + 1, run.epochs_planned)
        parts.append(f"epoch {current} of {run.epochs_planned}")
    parts.append(percent(run.progress, 0))
    if run.eta_seconds is not None:
        parts.append(f"about {remaining(run.eta_seconds)} left")
    return " · ".join(parts)
