"""Promotion of a version, and the message that confirms it."""

import streamlit as st

from app.clients import trainer
from app.clients.http import ServiceError
from app.clients.trainer import Promotion
from app.text.formatting import counted, duration, plain

_MESSAGE_KEY = "promoted"


def promote(version: str, reason: str | None = None, *, note: str = "") -> None:
    """Promote a version and rerun the page, or render the error. `note` follows the message."""
    try:
        with st.spinner("Loading the version on every worker", show_time=True):
            done = trainer.promote(version, reason)
    except ServiceError as error:
        st.error(f"{plain(error.message)} The live model hasn't changed.")
        return
    st.session_state[_MESSAGE_KEY] = f"{_summary(version, done)} {note}".strip()
    st.rerun()


def render_promotion_message() -> None:
    """Render once what the last promotion of this visit did."""
    message = st.session_state.pop(_MESSAGE_KEY, None)
    if message is not None:
        st.success(plain(message))


def _summary(version: str, done: Promotion) -> str:
    if done.detail:
        return f"Version {version} is promoted. {done.detail}"
    workers = counted(done.workers, "worker")
    return f"Version {version} is live on {workers} after {duration(done.seconds)}."
