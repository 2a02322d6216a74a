"""The visitor whose browser this script run belongs to."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

import settings
from app.login import passwords, roles


@dataclass(frozen=True)
class Visitor:
    """A person at the page. `name` is None where it has no log-in.

    `role` is None if the settings give this person none.
    """

    name: str | None
    role: str | None

    def may(self, needed: str) -> bool:
        """Return whether the visitor may do what needs this role."""
        return roles.includes(self.role, needed)


def current() -> Visitor | None:
    """Return the visitor of this session, None before the log-in.

    It is asked anew in each run and fragment, from the headers of the session's own connection:
    Streamlit runs the sessions of all visitors in one process.
    """
    match settings.login_method():
        case "none":
            return Visitor(None, "operator")
        case "password":
            role = passwords.role_in(st.context.cookies.get(passwords.cookie_name()))
            return None if role is None else Visitor(role, role)
        case _:
            claims = st.user.to_dict()
            return visitor_with(claims) if claims.get("is_logged_in") else None


def visitor_with(claims: Mapping[str, Any]) -> Visitor | None:
    """Return the person with these claims, None if the log-in is older than LOGIN_HOURS."""
    issued = claims.get("iat")
    hours = settings.get_int("LOGIN_HOURS")
    if not isinstance(issued, int | float) or time.time() - issued > hours * 3600:
        return None
    return Visitor(roles.name_of(claims), roles.role_of(claims))


def may(needed: str) -> bool:
    """Return whether the visitor of this session may do what needs this role."""
    visitor = current()
    return visitor is not None and visitor.may(needed)
