"""What the visitor's role does not allow: one line that says which role is needed."""

import streamlit as st

from app.login import visitor


def may(needed: str, doing: str) -> bool:
    """Return whether the visitor's role includes `needed`; if not, render a line that says so.

    `doing` begins the line, as in `Training`.
    """
    who = visitor.current()
    if who is not None and who.may(needed):
        return True
    yours = f" Yours is {who.role}." if who is not None and who.role else ""
    st.caption(f"{doing} needs the role {needed}.{yours}")
    return False
