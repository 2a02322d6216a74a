"""Letting connections in while a worker is busy.

libuv, on which uvloop stands, takes one new connection from a listening socket in each round of the
event loop, whatever else a round does. Under load a round answers hundreds of requests, so that a
client that connects waits for seconds, and is not even told that there is no room (docs/serving.md
has a way to see it without Wardrobe). A worker that listens on the same socket several times takes
as many in a round.
"""

from socket import fromfd, socket

import uvicorn

AT_ONCE = 8
"""Connections that a worker accepts in one round of its loop. One answer in 100 makes its client
connect anew: so many keep up with rounds of 800 requests."""


def accept_several_at_once() -> None:
    """Let every uvicorn server that is started later listen AT_ONCE times on each socket it gets.

    BentoML starts uvicorn itself and has no option for it. uvicorn closes what it was given, and
    this with it: a server that stops accepts nothing more.
    """
    listen = uvicorn.Server.startup

    async def startup(self: uvicorn.Server, sockets: list[socket] | None = None) -> None:
        await listen(self, [one for it in sockets or () for one in (it, *_copies(it))] or None)

    uvicorn.Server.startup = startup  # type: ignore[method-assign]


def _copies(listening: socket) -> list[socket]:
    """More descriptors of one socket. Not by its dup(), which sets the mode as well: the mode is
    shared, and the other workers, who accept from the same socket, would block in it."""
    kind = (listening.family, listening.type, listening.proto)
    return [fromfd(listening.fileno(), *kind) for _ in range(AT_ONCE - 1)]
