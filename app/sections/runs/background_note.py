"""A line about the run that the trainer began by itself, and makes way for any other."""

from collections.abc import Sequence

import streamlit as st

from app.clients import runs, trainer
from app.clients.http import ServiceError
from app.clients.runs import Run
from app.login import visitor
from app.text.formatting import percent, plain
from app.text.translate import _

REFRESH_SECONDS = 3.0


def render_background_note(found: Sequence[Run]) -> None:
    """Render how far the run in the background is, and a button that cancels it; if there is one.

    `found` are all runs, newest first.
    """
    run = runs.in_background(found)
    if run is not None:
        st.fragment(_render, run_every=REFRESH_SECONDS)(run.run_id)


def _render(run_id: str) -> None:
    try:
        run = trainer.run(run_id)
    except ServiceError:
        return
    if not run.is_active:
        return
    line = _(
        "A more accurate model trains in the background: {share}. It makes way for your own runs."
    ).format(share=percent(run.progress, 0))
    with st.container(horizontal=True, vertical_alignment="center", key="background_run"):
        st.caption(line, width="stretch")
        st.button(
            _("Cancel"),
            key="cancel_background",
            type="tertiary",
            disabled=not visitor.may("operator"),
            on_click=_cancel,
            args=(run_id,),
        )


def _cancel(run_id: str) -> None:
    try:
        trainer.cancel(run_id)
    except ServiceError as error:
        st.toast(plain(error.message))
    else:
        st.toast(_("Cancelled. The live model hasn't changed."))
