"""What uvicorn does with connections, done better for a busy worker. docs/serving.md has the
measurements, and a way to see each without Wardrobe.

*Several are let in at once.* libuv, on which uvloop stands, takes one new connection from a
listening socket in each round of the event loop, whatever else a round does. Under load a round
answers hundreds of requests, so that a client that connects waits for seconds, and is not even told
that there is no room. A worker that listens on the same socket several times takes as many in a
round.

*An answer leaves in one piece.* uvicorn writes its head and then its body, and uvloop hands each to
the kernel at once: two system calls, two packets, and a client that is woken twice.
"""

import asyncio
from socket import fromfd, socket
from typing import Any

import uvicorn

AT_ONCE = 8
"""Connections that a worker accepts in one round of its loop. One answer in 100 makes its client
connect anew: so many keep up with rounds of 800 requests."""


def patch_uvicorn() -> None:
    """Do both in every uvicorn server that is started later.

    BentoML starts uvicorn itself and has no option for either. uvicorn closes the sockets that it
    was given, and these with them: a server that stops accepts nothing more.
    """
    startup = uvicorn.Server.startup

    async def improved(self: uvicorn.Server, sockets: list[socket] | None = None) -> None:
        self.config.http_protocol_class = _joining(self.config.http_protocol_class)
        await startup(self, [one for it in sockets or () for one in (it, *_copies(it))] or None)

    uvicorn.Server.startup = improved  # type: ignore[method-assign]


def _copies(listening: socket) -> list[socket]:
    """More descriptors of one socket. Not by its dup(), which sets the mode as well: the mode is
    shared, and the other workers, who accept from the same socket, would block in it."""
    kind = (listening.family, listening.type, listening.proto)
    return [fromfd(listening.fileno(), *kind) for _ in range(AT_ONCE - 1)]


def _joining(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    class Joining(protocol):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(_JoiningTransport(transport))

    return Joining


class _JoiningTransport:
    """A transport that sends two writes as one when the second follows in the same round of the
    loop. The first waits no longer than that: what streams its body sends its head before it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._first = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._first:
            self._first += data
            self._send_first()
        elif data:
            self._first = data
            self._loop.call_soon(self._send_first)

    def close(self) -> None:
        self._send_first()
        self._transport.close()

    def _send_first(self) -> None:
        if self._first:
            first, self._first = self._first, b""
            self._transport.write(first)
