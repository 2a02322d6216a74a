"""The patches of uvicorn, which BentoML starts itself and without an option for either.

*A worker accepts several connections in a round of its event loop.* libuv, on which uvloop stands,
accepts one new connection from a listening socket in each round of the event loop, whatever else a
round does. Under load a round answers hundreds of requests, so a client that connects waits for
seconds, and does not even learn that there is no room. A worker that listens on the same socket
several times accepts as many in a round. docs/serving.md has the measurements, and a way to see it
without Wardrobe.

*A client that closes its sending side is answered.* It sends FIN after its request, as HTTP allows.
uvicorn lets the connection close then, and a response that is ready a round of the loop later is
lost. Ours waits for a batch, so nearly every one was.
"""

import asyncio
from socket import fromfd, socket
from typing import Any

import uvicorn

UVICORN_VERSION = "0.54.0"
"""What the patch was written and measured for."""

SOCKETS = 8
"""Connections that a worker accepts in one round of its loop. One response in 100 makes its client
connect anew, so eight keep up with rounds of 800 requests."""


def patch_uvicorn() -> None:
    """Apply the patches to every uvicorn server that is started later.

    uvicorn closes the sockets that it was given, and these with them: a server that stops accepts
    nothing more. Raises RuntimeError on another version of uvicorn.
    """
    if uvicorn.__version__ != UVICORN_VERSION:
        raise RuntimeError(
            f"Wardrobe patches uvicorn {UVICORN_VERSION}, and {uvicorn.__version__} is installed. "
            "Install the versions of requirements.lock, or check the patch in "
            "service/http/uvicorn_patches.py and change the version there."
        )
    startup = uvicorn.Server.startup

    async def patched(self: uvicorn.Server, sockets: list[socket] | None = None) -> None:
        self.config.http_protocol_class = _answering_half_closed(self.config.http_protocol_class)
        await startup(self, [one for it in sockets or () for one in (it, *_copies(it))] or None)

    uvicorn.Server.startup = patched  # type: ignore[method-assign]


def _copies(listening: socket) -> list[socket]:
    """Open more descriptors of one socket.

    Not by its dup(), which sets the mode as well: the mode is shared, and the other workers, which
    accept from the same socket, would block in it.
    """
    kind = (listening.family, listening.type, listening.proto)
    return [fromfd(listening.fileno(), *kind) for _ in range(SOCKETS - 1)]


def _answering_half_closed(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    """Extend uvicorn's HTTP protocol: keep a connection open until its request is answered."""

    class AnsweringHalfClosed(protocol):  # type: ignore[misc, valid-type]
        cycle: Any  # uvicorn's request and response, None before the first

        def eof_received(self) -> bool:
            """Keep writing possible while a whole request waits for its response."""
            cycle = self.cycle
            return cycle is not None and not cycle.more_body and not cycle.response_complete

    return AnsweringHalfClosed
