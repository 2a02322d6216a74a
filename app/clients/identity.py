"""Who the visitor of the page is, and how the services are told.

The services believe the page about its visitors because it sends a token of TOKENS_FILE, which
only this machine's user can read.
"""

from urllib.parse import quote

from app.login import tokens, visitor


def headers() -> dict[str, str]:
    """The headers that tell a service about the visitor of this session.

    Empty when there is no usable TOKENS_FILE: the service then says what is missing. Empty outside
    of a session's run, as in a thread that a page starts: call this before, and pass it on.
    """
    who = visitor.current()
    token = tokens.page_tokens().get(who.role) if who is not None and who.role else None
    if who is None or token is None:
        return {}
    sent = {"Authorization": f"Bearer {token}"}
    return sent if who.name is None else sent | {"Wardrobe-User": quote(who.name, safe="")}
