"""The limits of a request and of all together, and the errors for what exceeds them."""

import asyncio
import ctypes
from collections import deque
from functools import cache
from http import HTTPStatus

from starlette.requests import Request

import settings
from service.http.errors import ApiError

_MEGA = 1_000_000

_FILES_PER_CALL = 10
"""A body with many pictures may be as large as this many of the largest."""

_setting = cache(settings.get_int)  # every request needs three of them


def picture_bytes() -> int:
    """Bytes that a picture file may have: MAX_UPLOAD_MB."""
    return _setting("MAX_UPLOAD_MB") * _MEGA


def call_bytes() -> int:
    """Bytes that a body with many pictures, or an archive, may have."""
    return picture_bytes() * _FILES_PER_CALL


def pixels() -> int:
    """Pixels that a picture may have: MAX_MEGAPIXELS."""
    return _setting("MAX_MEGAPIXELS") * _MEGA


def images_per_call() -> int:
    """Pictures that a call may have: MAX_IMAGES_PER_CALL."""
    return _setting("MAX_IMAGES_PER_CALL")


def request_too_large(max_bytes: int) -> ApiError:
    """Build the error for a body of more than `max_bytes`."""
    return _error(f"The request is larger than {max_bytes / _MEGA:g} MB. Send less at a time.")


def picture_too_large(_max_bytes: int = 0) -> ApiError:
    """Build the error for a picture file of more than `picture_bytes()`."""
    megabytes = picture_bytes() // _MEGA
    return _error(f"The picture is larger than {megabytes} MB. Make it smaller and send it again.")


def too_many_pixels() -> ApiError:
    """Build the error for a picture of more than `pixels()`."""
    megapixels = pixels() // _MEGA
    return _error(
        f"The picture has more than {megapixels} million pixels. Scale it down and send it again."
    )


def too_many_files(field: str, max_files: int) -> ApiError:
    """Build the error for more than `max_files` files in a form's field."""
    return _error(f"There are too many files in '{field}'. Send at most {max_files:,} in a call.")


def too_many_in_array(count: int) -> ApiError:
    """Build the error for an array of more than `images_per_call()` pictures."""
    return _error(
        f"The array holds {count:,} pictures. Send at most {images_per_call():,} in a call."
    )


def _error(message: str) -> ApiError:
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)


FREE_BODY_BYTES = 64 * 1024
"""A body may have so many bytes without a reservation."""

MAX_BODY_BYTES = 250_000_000
"""Of all larger bodies together."""

WAIT_SECONDS = 5

_LARGE = 1_000_000
_TRIM_SECONDS = 1


class BodyMemory:
    """Memory for the bodies of all requests of a worker. Who waits longest gets room first.

    A body waits in its socket until there is room for all of it. A small one needs no room, so a
    client that sends slowly takes none from others. For use in one event loop.
    """

    def __init__(self, max_bytes: int = MAX_BODY_BYTES) -> None:
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


_bodies = BodyMemory()


async def reserve_body(request: Request, max_bytes: int) -> None:
    """Reserve room for a request's body of at most `max_bytes`, which has begun to arrive.

    Raises ApiError (503).
    """
    length = request.headers.get("content-length", "")
    is_known = length.isascii() and length.isdecimal() and "content-encoding" not in request.headers
    await _bodies.reserve(min(int(length), max_bytes) if is_known else max_bytes)
