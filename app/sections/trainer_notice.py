"""The words for a trainer that is not there, until it is back."""

import streamlit as st

from app.clients import trainer
from app.clients.http import ServiceError
from app.text.formatting import plain

LOOK_SECONDS = 2.0


def show(error: ServiceError, consolation: str) -> None:
    """Says what is wrong and what goes on meanwhile; runs the page anew once it is over."""
    st.error(plain(error.message))
    st.write(f"{consolation} This page comes back by itself.")
    st.fragment(_look_again, run_every=LOOK_SECONDS)()


def _look_again() -> None:
    try:
        trainer.recipes()
    except ServiceError:
        return
    st.rerun(scope="app")
