"""The first minute of a visitor: draw, correct, retrain, ticked off as they happen."""

import streamlit as st

from app.components import pad
from app.components.first_steps import Step, first_steps
from app.sections.runs import starting
from app.sections.teaching import feedback
from app.text.translate import _

REFRESH_SECONDS = 2.0

_FINISHED_KEY = "first_steps_finished"


def render_first_steps() -> None:
    """Render the steps, which refresh themselves until the visitor has taken or closed them."""
    finished = bool(st.session_state.get(_FINISHED_KEY))
    if not finished:
        st.fragment(_render, run_every=REFRESH_SECONDS)()


def _render() -> None:
    steps = [
        Step(_("Draw"), pad.has_drawn()),
        Step(_("Correct"), feedback.has_saved()),
        Step(_("Retrain"), starting.has_started()),
    ]
    if not first_steps(steps, key="first_steps"):
        st.session_state[_FINISHED_KEY] = True
