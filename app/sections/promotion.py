"""Has another version served, and says afterwards which one is."""

import streamlit as st

from app.clients import trainer
from app.clients.http import ServiceError
from app.clients.trainer import Promotion
from app.text.formatting import duration, plain

_DONE = "promoted"


def promote(version: str, reason: str | None = None) -> None:
    """Has it served and runs the page anew, where `tell` tells; or says why it is not served."""
    try:
        with st.spinner("Every worker is loading it", show_time=True):
            done = trainer.promote(version, reason)
    except ServiceError as error:
        st.error(f"{plain(error.message)} What was served before is served still.")
        return
    st.session_state[_DONE] = _told(version, done)
    st.rerun()


def tell() -> None:
    """What the last promotion of this visit did, once."""
    done = st.session_state.pop(_DONE, None)
    if done is not None:
        st.success(plain(done))


def _told(version: str, done: Promotion) -> str:
    if done.detail:
        return f"Version {version} is the one to serve. {done.detail}"
    workers = "1 worker serves" if done.workers == 1 else f"{done.workers} workers serve"
    return f"{workers} version {version} after {duration(done.seconds)}."
