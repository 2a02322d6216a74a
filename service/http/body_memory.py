"""Memory for the bodies of requests, bounded for all requests of a worker together.

A body waits in the socket, not in memory, until there is room for all of it. A small one needs no
room: so a client that sends slowly takes none from others either.
"""

import asyncio
import ctypes
from collections import deque
from http import HTTPStatus

from starlette.requests import Request

from service.http.errors import ApiError

FREE_BYTES = 64 * 1024
"""A body may have so many bytes without a reservation."""

MAX_BYTES = 250_000_000
"""Of all larger bodies together."""

WAIT_SECONDS = 5

_LARGE = 1_000_000
_TRIM_SECONDS = 1


class BodyMemory:
    """Counts bytes. For use in one event loop. Who waits longest gets room first."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = self._free = max_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def reserve(self, count: int) -> None:
        """Reserve `count` bytes until the current task, which answers the request, is done.

        Raises ApiError (503, with Retry-After) if there is no room for WAIT_SECONDS.
        """
        if self._waiting or count > self._free:
            await self._wait(count)
        else:
            self._free -= count
        if task := asyncio.current_task():
            task.add_done_callback(lambda _: self._release(count))

    async def _wait(self, count: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (count, turn)
        self._waiting.append(entry)
        try:
            await asyncio.wait([turn], timeout=WAIT_SECONDS)
        except asyncio.CancelledError:
            if turn.done():
                self._release(count)
            raise
        finally:
            if not turn.done():
                self._waiting.remove(entry)
                self._serve_waiting()
        if not turn.done():
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many large requests arrive at the same time. Try again in two seconds.",
                headers={"Retry-After": "2"},
            )

    def _release(self, count: int) -> None:
        self._free += count
        self._serve_waiting()
        if self._free == self._max_bytes and count >= _LARGE:
            asyncio.get_running_loop().call_later(_TRIM_SECONDS, _return_free_memory)

    def _serve_waiting(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            count, turn = self._waiting.popleft()
            self._free -= count
            turn.set_result(None)


def _return_free_memory() -> None:
    """Give freed memory back to the system. glibc keeps what lies between blocks in use."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


_memory = BodyMemory()


async def reserve(request: Request, max_bytes: int) -> None:
    """Reserve room for a request's body of at most `max_bytes`, which has begun to arrive.

    Raises ApiError (503).
    """
    length = request.headers.get("content-length", "")
    is_known = length.isascii() and length.isdecimal() and "content-encoding" not in request.headers
    await _memory.reserve(min(int(length), max_bytes) if is_known else max_bytes)
