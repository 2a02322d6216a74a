"""Messages of the trainer: it does not answer, or files of the state folder are damaged."""

from html import escape

import streamlit as st

from app.clients import problems, trainer
from app.clients.http import ServiceError
from app.clients.trainer import Model
from app.clients.version_names import version_name
from app.sections import model_status
from app.text.formatting import plain
from app.text.translate import _

RETRY_SECONDS = 2.0


def render_trainer_error(error: ServiceError, reassurance: str = "") -> None:
    """Render the error and what still works; rerun the page once the trainer answers.

    `reassurance` is a sentence in the visitor's language, about what is on the page.
    """
    st.error(plain(error.message))
    still = _("The live model keeps answering.") if model_status.live_tag() is not None else ""
    back = _("This page reloads when the trainer is back.")
    st.write(" ".join(filter(None, (reassurance, still, back))))
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


def render_damaged_version(model: Model) -> None:
    """Render the card of a damaged version: its name and what to do. It cannot be promoted."""
    live = f'<div class="badge down"><b>{_("Live")}</b></div>' if model.champion else ""
    with st.container(border=True, key=f"model_{model.version}"):
        st.html(
            f'<div class="version"><strong>{escape(version_name(model.tag))}</strong>'
            f'<div class="badge down"><b>{_("Damaged")}</b></div>{live}</div>'
        )
        st.error(plain(str(model.error)))


def _retry() -> None:
    try:
        trainer.recipes()
    except ServiceError:
        return
    st.rerun(scope="app")
