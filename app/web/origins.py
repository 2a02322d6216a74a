"""Pages of other origins, which may not open the page's WebSocket or change something.

Streamlit compares names only: every page of this machine, on any port, would be its own.
"""

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class OwnOrigin:
    """Middleware: 403 for a call that changes something, sent by a page of another origin.

    A WebSocket is refused before it opens. Programs send no Origin and pass.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        reads = scope["type"] == "http" and scope["method"] in _READING
        if scope["type"] not in ("http", "websocket") or reads or not is_foreign(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        else:
            refusal = "A page of another address may not do this.\n"
            await PlainTextResponse(refusal, 403)(scope, receive, send)


def is_foreign(scope: Scope) -> bool:
    """Whether an Origin header names another address, by name or port, than Host does.

    The scheme may differ: behind a proxy the browser speaks HTTPS and this server HTTP.
    """
    headers = HTTPConnection(scope).headers
    origins, host = headers.getlist("origin"), headers.get("host", "").lower()
    return any(origin.partition("://")[2].lower() != host for origin in origins)
