"""Error message for a trainer that does not answer, until it is back."""

import streamlit as st

from app.clients import trainer
from app.clients.http import ServiceError
from app.text.formatting import plain

RETRY_SECONDS = 2.0


def render_trainer_error(error: ServiceError, reassurance: str) -> None:
    """Render the error and what still works; rerun the page once the trainer answers."""
    st.error(plain(error.message))
    st.write(f"{reassurance} This page reloads when the trainer is back.")
    st.fragment(_retry, run_every=RETRY_SECONDS)()


def _retry() -> None:
    try:
        trainer.recipes()
    except ServiceError:
        return
    st.rerun(scope="app")
