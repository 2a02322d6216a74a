"""Warnings about damaged files of the state folder."""

import streamlit as st

from app.clients import problems
from app.clients.http import ServiceError
from app.text.formatting import plain


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
