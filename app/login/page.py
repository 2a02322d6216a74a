"""Log-in and log-out: the page before the log-in, and who is logged in above each page."""

from html import escape

import streamlit as st

import settings
from app.login.visitor import Visitor
from app.text.formatting import plain
from app.text.translate import N_, _

_PROBLEMS = {
    "wrong": N_("This is no password or access token of a role."),
    "wait": N_("Too many wrong tries. Wait a minute, then try again."),
}
_ROLES = {
    "viewer": N_("Your role is **viewer**: you can classify and look."),
    "teacher": N_("Your role is **teacher**: you can also correct."),
    "operator": N_("Your role is **operator**: you can do everything."),
}


def render_login_page(page_path: str) -> None:
    """Render the log-in in place of a page. `page_path` is the page to return to."""
    with st.container(key="login", width=440):
        st.title(_("Log in"))
        if settings.login_method() == "provider":
            st.write(_("Wardrobe asks who you are before it shows anything."))
            st.button(_("Log in"), type="primary", key="log_in", on_click=st.login, width="stretch")
            return
        st.write(_("Enter the password of your role, or its access token."))
        problem = _PROBLEMS.get(st.query_params.get("login", ""))
        if problem:
            st.error(_(problem))
        st.html(
            '<form class="login" method="post" action="/login">'
            f'<input type="hidden" name="page" value="{escape(page_path)}">'
            f"<label>{escape(_('Password'))}"
            '<input type="password" name="password" required maxlength="500"'
            ' autocomplete="current-password"></label>'
            f"<button>{escape(_('Log in'))}</button></form>"
        )


def render_no_role_page(visitor: Visitor) -> None:
    """Render that a person who has logged in may do nothing here."""
    with st.container(key="login", width=440):
        st.title(_("No role yet"))
        st.write(
            _("You are logged in as **{name}**, and may not use Wardrobe yet.").format(
                name=plain(visitor.name or "")
            )
        )
        st.write(_("Ask who runs it to give you a role: viewer, teacher or operator."))
        _render_logout()


def render_visitor(visitor: Visitor) -> None:
    """Render who is logged in, with a log-out; nothing where the page has no log-in."""
    if visitor.name is None or visitor.role is None:
        return
    with st.popover(plain(visitor.name), type="tertiary", key="visitor"):
        st.write(_(_ROLES[visitor.role]))
        _render_logout()


def _render_logout() -> None:
    if settings.login_method() == "provider":
        st.button(_("Log out"), key="log_out", on_click=st.logout, width="stretch")
    else:
        st.html(
            '<form class="login" method="post" action="/logout">'
            f"<button>{escape(_('Log out'))}</button></form>"
        )
