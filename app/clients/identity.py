"""Who the visitor of the page is, and how the services are told.

The services believe the page about its visitors because it sends a token of TOKENS_FILE, which
only this machine's user can read.
"""

import json
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

import settings

Role = Literal["viewer", "teacher", "operator"]


class Visitor(NamedTuple):
    """What a visitor may do, and the name under which it is recorded; None without a log-in."""

    role: Role
    name: str | None


def visitor() -> Visitor:
    """The visitor for whom the page runs now."""
    return Visitor("operator", None)


def headers() -> dict[str, str]:
    """The headers that tell a service about the visitor.

    Empty when there is no usable TOKENS_FILE: the service then says what is missing.
    """
    who = visitor()
    try:
        path = Path(settings.get("TOKENS_FILE")).expanduser()
        token = json.loads(path.read_text(encoding="utf-8"))[who.role]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    sent = {"Authorization": f"Bearer {token}"}
    return sent if who.name is None else sent | {"Wardrobe-User": quote(who.name, safe="")}
