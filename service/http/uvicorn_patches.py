"""The patches of uvicorn, which BentoML starts itself and without an option for any of them.

*A worker accepts several connections in a round of its event loop.* libuv, on which uvloop stands,
accepts one new connection from a listening socket in each round of the event loop, whatever else a
round does. Under load a round answers hundreds of requests, so a client that connects waits for
seconds, and does not even learn that there is no room. A worker that listens on the same socket
several times accepts as many in a round. docs/serving.md has the measurements, and a way to see it
without Wardrobe.

*A service's application is the outermost.* BentoML offers no place before its metrics, which would
count each path that a client makes up; see service/http/endpoints.py.

*A worker that has died is started again at once.* BentoML looks for dead workers every 10 seconds,
and the trainer has one worker: all of its calls failed for as long.

The protocol of connections is in service/http/http_protocol.py.
"""

from functools import wraps
from socket import fromfd, socket
from typing import Any, cast

import bentoml
import uvicorn
from bentoml._internal.utils import circus

from service.http.connections import Connections, allow_open_files
from service.http.endpoints import Endpoints, LabelByEndpoint
from service.http.http_protocol import WardrobeProtocol
from service.http.security_headers import SECURITY_HEADERS

UVICORN_VERSION = "0.54.0"
"""What the patch was written and measured for."""

_RESTART_CHECK_SECONDS = 0.5

SOCKETS = 8
"""Connections that a worker accepts in one round of its loop. One response in 100 makes its client
connect anew, so eight keep up with rounds of 800 requests."""


def patch_uvicorn(service: str = "", endpoints: Endpoints | None = None) -> None:
    """Apply the patches to every uvicorn server that is started later.

    A server of the BentoML service of this name labels its requests by `endpoints`.

    uvicorn closes the sockets that it was given, and these with them: a server that stops accepts
    nothing more. Raises RuntimeError on another version of uvicorn.
    """
    if uvicorn.__version__ != UVICORN_VERSION:
        raise RuntimeError(
            f"Wardrobe patches uvicorn {UVICORN_VERSION}, and {uvicorn.__version__} is installed. "
            "Install the versions of requirements.lock, or check the patches in "
            "service/http/uvicorn_patches.py and service/http/http_protocol.py, and change the "
            "version there."
        )
    startup = uvicorn.Server.startup

    async def patched(self: uvicorn.Server, sockets: list[socket] | None = None) -> None:
        config = self.config
        if endpoints and bentoml.server_context.service_name == service:
            config.loaded_app = LabelByEndpoint(config.loaded_app, endpoints)
        config.http_protocol_class = WardrobeProtocol
        config.ws_protocol_class = None  # no service has a WebSocket
        config.encoded_headers += [
            (name.encode(), value.encode()) for name, value in SECURITY_HEADERS
        ]
        allow_open_files()
        watched = Connections(cast(set[WardrobeProtocol], self.server_state.connections))
        self.server_state.watched = watched  # type: ignore[attr-defined]
        watched.watch()
        await startup(self, [one for it in sockets or () for one in (it, *_copies(it))] or None)

    uvicorn.Server.startup = patched  # type: ignore[method-assign]


def _copies(listening: socket) -> list[socket]:
    """Open more descriptors of one socket.

    Not by its dup(), which sets the mode as well: the mode is shared, and the other workers, which
    accept from the same socket, would block in it.
    """
    kind = (listening.family, listening.type, listening.proto)
    return [fromfd(listening.fileno(), *kind) for _ in range(SOCKETS - 1)]


def restart_workers_soon() -> None:
    """Have the server that imports this service look for dead workers every half second."""
    create_arbiter = circus.create_standalone_arbiter

    @wraps(create_arbiter)
    def with_short_delay(*args: Any, **kwargs: Any) -> Any:
        return create_arbiter(*args, **{"check_delay": _RESTART_CHECK_SECONDS, **kwargs})

    circus.create_standalone_arbiter = with_short_delay
