"""Progress and end of a training run, in words."""

import streamlit as st

from app.clients.trainer import Run
from app.text.formatting import percent, remaining
from app.text.translate import N_, _

_PHASES = {
    "waiting": N_("Starting"),
    "starting": N_("Starting"),
    "loading data": N_("Loading pictures"),
    "checking corrections": N_("Checking corrections"),
    "training": N_("Training"),
    "calibrating": N_("Calibrating its confidence"),
    "testing": N_("Testing"),
    "saving": N_("Saving the model"),
    "comparing": N_("Comparing with the live version"),
    "promoting": N_("Going live"),
    "done": N_("Done"),
}


def render_progress(run: Run) -> None:
    """Render the progress bar of an active run."""
    st.progress(run.progress, text=_progress_text(run))


def end_message(run: Run) -> str:
    """Return a sentence that says how a run ended."""
    match run.state:
        case "succeeded" if run.result is not None:
            share = percent(run.result.accuracy)
            return _("Finished: {share} of the test pictures right.").format(share=share)
        case "failed":
            message = _("The run failed.")
        case "cancelled":
            return _("The run was cancelled.")
        case "interrupted":
            message = _("The run was interrupted before it finished.")
        case other:
            message = _("The run ended as {state}.").format(state=other)
    return f"{message} {run.error}" if run.error else message


def _progress_text(run: Run) -> str:
    phase = _PHASES.get(run.phase)
    name = _(phase) if phase is not None else run.phase
    parts = [_("Waiting to start") if run.state == "queued" else name]
    if run.phase == "training" and run.state == "running":
        current = min(run.epochs_done + 1, run.epochs_planned)
        parts.append(
            _("epoch {number} of {total}").format(number=current, total=run.epochs_planned)
        )
    parts.append(percent(run.progress, 0))
    if run.eta_seconds is not None:
        parts.append(_("about {duration} left").format(duration=remaining(run.eta_seconds)))
    return " · ".join(parts)
