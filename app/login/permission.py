"""What the visitor's role does not allow: one line that says which role is needed."""

import streamlit as st

from app.login import visitor
from app.text.translate import _


def may(needed: str, doing: str) -> bool:
    """Return whether the visitor's role includes `needed`; if not, render a line that says so.

    `doing` begins the line, as in `Training`, in the visitor's language.
    """
    who = visitor.current()
    if who is not None and who.may(needed):
        return True
    if who is not None and who.role:
        text = _("{doing} needs the role {needed}. Yours is {role}.")
        st.caption(text.format(doing=doing, needed=needed, role=who.role))
    else:
        st.caption(_("{doing} needs the role {needed}.").format(doing=doing, needed=needed))
    return False
