"""Who sent a request, as endpoints see it."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Scope

from service.access.tokens import Role

_KEY = "wardrobe.caller"


@dataclass(frozen=True)
class Caller:
    """Somebody with a role.

    `actor` is who is recorded: the page's visitor, a program's token, or "local" for the page
    without a log-in; None for a request without a token. `limited_as` is what limits count by,
    None for who is never limited.
    """

    role: Role
    actor: str | None = None
    limited_as: str | None = None


LOCAL = Caller(Role.VIEWER)
"""Somebody on this machine, without a token."""


def set_caller(scope: Scope, caller: Caller) -> None:
    """Note who sent a request."""
    scope[_KEY] = caller


def caller_of(request: Request) -> Caller:
    """Who sent a request."""
    found: Caller = request.scope.get(_KEY, LOCAL)
    return found


def actor_of(request: Request) -> str | None:
    """Who is recorded for what a request changes."""
    return caller_of(request).actor
