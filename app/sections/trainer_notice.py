"""Messages of the trainer: it does not answer, or files of the state folder are damaged."""

import streamlit as st

from app.clients import problems, trainer
from app.clients.http import ServiceError
from app.text.formatting import plain

RETRY_SECONDS = 2.0


def render_trainer_error(error: ServiceError, reassurance: str) -> None:
    """Render the error and what still works; rerun the page once the trainer answers."""
    st.error(plain(error.message))
    st.write(f"{reassurance} This page reloads when the trainer is back.")
    st.fragment(_retry, run_every=RETRY_SECONDS)()


def render_state_problems(*, besides: str | None = None) -> None:
    """Render a warning for each damaged file, but not for those whose path begins with `besides`.

    Renders nothing while the trainer does not answer.
    """
    try:
        found = problems.fetch()
    except ServiceError:
        return
    for problem in found:
        if besides is None or not problem.path.startswith(besides):
            st.warning(plain(problem.error))


def _retry() -> None:
    try:
        trainer.recipes()
    except ServiceError:
        return
    st.rerun(scope="app")
