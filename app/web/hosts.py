"""Names under which the page may be reached: another name is an attempt to get around its origin.

A website can point its own name at this machine and then counts as the same origin in the browser.
"""

from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

import settings


class AllowedHosts:
    """Middleware: 421 for a request whose Host header names another machine.

    Names of ALLOWED_HOSTS are fine, and so is the address at which the connection arrived. A
    WebSocket is refused before it opens.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._names = settings.allowed_hosts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] not in ("http", "websocket") or self._is_allowed(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        else:
            answer = PlainTextResponse(
                "Wardrobe does not answer under this name. Add it to ALLOWED_HOSTS.\n", 421
            )
            await answer(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        arrived_at = (scope.get("server") or ("",))[0]
        return len(hosts) == 1 and host_name(hosts[0]) in {*self._names, arrived_at}


def host_name(header: str) -> str | None:
    """Return the name in a Host header, in lower case and without the port; None if it has none."""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port  # raises unless it is a number
    except ValueError:
        return None
    return None if "@" in header or parts.path or parts.query else parts.hostname
