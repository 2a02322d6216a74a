"""Decoding of uploaded pictures into the model's input, in bounded time and memory.

A tiny picture is decoded where it arrives: that takes less time than a switch to another thread.
Two threads decode other pictures that are certainly cheap, and one process all the rest. So a
worker decodes three pictures at a time at most, and takes little memory for them itself. The
process also removes the background of photos, whoever decoded them.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from http import HTTPStatus
from typing import TypeVar

from service.decoding import cost, reader
from service.decoding.cost import Cost
from service.decoding.process import DecodingProcess
from service.decoding.reader import PictureError, Problem
from service.http import limits
from service.http.bodies import FORMATS
from service.http.errors import ApiError
from training.model.crop import Crop
from training.model.foreground import Photo
from training.model.preprocess import Grey

_Result = TypeVar("_Result")

WAIT_SECONDS = 2
"""Longest wait of one picture for its turn."""

MANY_SECONDS = 9
"""Longest time for the pictures of one call, which leaves time to upload and to classify them."""

_LIGHT_THREADS = 2
_GROUP = 32

_SENTENCES = {
    Problem.NOT_A_PICTURE: f"This is not a picture that can be read. Send {FORMATS}.",
    Problem.DAMAGED: "The {}picture is damaged or cut off. Save it again and resend it.",
    Problem.TOO_SLOW: "The {}picture takes too long to decode. Save it as PNG and resend it.",
    Problem.NOTHING_TO_SEE: "There is nothing to see in this picture: it has one color only. "
    "Send a picture of a piece of clothing in front of a plain background.",
}


async def decode(data: bytes, crop: Crop | None = None) -> Grey:
    """Decode a picture file, or a part of it, to the model's input, uint8 (28, 28).

    Raises ApiError: 400 for what cannot be read, 413 for what is too large, 422 for a picture with
    nothing in it, 503 with Retry-After if others take all the time.
    """
    try:
        begun = _begin(data, crop)
        found = await _result(begun, WAIT_SECONDS) if isinstance(begun, Future) else begun
        return found if found.ndim == 2 else await _remove_background(found, WAIT_SECONDS)
    except PictureError as error:
        raise _api_error(error) from error


async def show(data: bytes, crop: Crop | None = None, *, mask: bool) -> bytes:
    """Return a PNG of a picture file, or of a part of it: upright, of at most 512x512.

    With `mask`, the background that the model does not get of a photo is dimmed. Raises ApiError as
    `decode` does.
    """
    try:
        _cost(data)
        return await _result(_process().show(data, crop, mask=mask), WAIT_SECONDS)
    except PictureError as error:
        raise _api_error(error) from error


def decode_now(data: bytes, crop: Crop | None = None, *, keeps_model_input: bool = False) -> Grey:
    """Decode as `decode` does, outside of an event loop.

    With `keeps_model_input`, a grey picture of 28x28 pixels is not changed, whatever is in it.
    """
    try:
        if keeps_model_input and (pixels := _model_input(data)) is not None:
            return pixels
        begun = _begin(data, crop)
        found = _result_now(begun) if isinstance(begun, Future) else begun
        return found if found.ndim == 2 else _result_now(_process().remove_background(found))
    except PictureError as error:
        raise _api_error(error) from error


async def decode_many(files: Sequence[bytes], deadline: float) -> list[Grey | ApiError]:
    """Decode picture files, in order, each to the model's input or to an error.

    What has no turn before `deadline`, in seconds of time.monotonic(), is an error too.
    """
    turn = asyncio.Semaphore(_LIGHT_THREADS)
    tiny_turn = asyncio.Lock()  # two threads would spend a fifth of the time on Python's lock

    async def decode_group(group: Sequence[bytes]) -> list[Grey | ApiError]:
        async with turn:
            return await _decode_group(group, deadline, tiny_turn)

    groups = [files[start : start + _GROUP] for start in range(0, len(files), _GROUP)]
    decoded = await asyncio.gather(*map(decode_group, groups))
    return [item for group in decoded for item in group]


async def _decode_group(
    files: Sequence[bytes], deadline: float, tiny_turn: asyncio.Lock
) -> list[Grey | ApiError]:
    """Decode what is tiny in one turn, and every other picture in a turn of its own."""
    try:
        async with tiny_turn:
            left = deadline - time.monotonic()
            if left <= 0:
                return [_not_in_time() for _ in files]
            tiny = await _result(_light().submit(_decode_tiny, files), left)
    except ApiError:
        return [_not_in_time() for _ in files]
    return [
        await _finish_in_time(file, item, deadline) for file, item in zip(files, tiny, strict=True)
    ]


async def _finish_in_time(
    data: bytes, decoded: Grey | Photo | ApiError | None, deadline: float
) -> Grey | ApiError:
    """Do what is left to do for a picture: everything, or to remove the background of a photo."""
    if isinstance(decoded, ApiError):
        return decoded
    try:
        if decoded is None:
            begun = _begin(data) if time.monotonic() < deadline else None
            if begun is None:
                return _not_in_time()
            left = deadline - time.monotonic()
            decoded = await _result(begun, left) if isinstance(begun, Future) else begun
        if decoded.ndim == 2:
            return decoded
        return await _remove_background(decoded, deadline - time.monotonic())
    except PictureError as error:
        return _api_error(error)
    except ApiError as error:
        return _not_in_time() if error.status == HTTPStatus.SERVICE_UNAVAILABLE else error


async def _remove_background(photo: Photo, wait_seconds: float) -> Grey:
    return await _result(_process().remove_background(photo), wait_seconds)


def _decode_tiny(files: Sequence[bytes]) -> list[Grey | Photo | ApiError | None]:
    """Decode the tiny ones of some pictures. None is in the place of the others."""
    return [_decode_if_tiny(file) for file in files]


def _decode_if_tiny(data: bytes) -> Grey | Photo | ApiError | None:
    try:
        return reader.read(data, limits.pixels()) if _cost(data) is Cost.TINY else None
    except PictureError as error:
        return _api_error(error)
    except ApiError as error:
        return error


def _begin(data: bytes, crop: Crop | None = None) -> "Grey | Photo | Future[Grey | Photo]":
    match _cost(data):
        case Cost.TINY:
            return reader.read(data, limits.pixels(), crop)
        case Cost.LIGHT:
            return _light().submit(reader.read, data, limits.pixels(), crop)
        case Cost.UNKNOWN:
            return _process().decode(data, crop)


def _model_input(data: bytes) -> Grey | None:
    is_tiny = _cost(data) is Cost.TINY
    return reader.read_model_input(data) if is_tiny else None


def _cost(data: bytes) -> Cost:
    if len(data) > limits.picture_bytes():
        raise limits.picture_too_large()
    if not data:
        raise ApiError(HTTPStatus.BAD_REQUEST, "The picture is empty (0 bytes). Send a picture.")
    return cost.estimate(data, limits.pixels())


async def _result(future: "Future[_Result]", wait_seconds: float) -> _Result:
    """Wait for a result. Raises ApiError (503) if its turn does not come in `wait_seconds`."""
    result = asyncio.wrap_future(future)
    try:
        await asyncio.wait([result], timeout=max(0, wait_seconds))
    except asyncio.CancelledError:
        result.cancel()  # and the future, if it still waits
        raise
    if not result.done() and future.cancel():
        raise _busy()
    return await result


def _result_now(future: "Future[_Result]") -> _Result:
    """Wait for a result, outside of an event loop. Raises ApiError (503) as `_result` does."""
    try:
        return future.result(WAIT_SECONDS)
    except TimeoutError:
        if future.cancel():
            raise _busy() from None
        return future.result()


@cache
def _light() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_LIGHT_THREADS, thread_name_prefix="decoding")


@cache
def _process() -> DecodingProcess:
    return DecodingProcess(limits.pixels())


def _api_error(error: PictureError) -> ApiError:
    match error.problem:
        case Problem.TOO_MANY_PIXELS | Problem.TOO_MUCH_MEMORY:
            return limits.too_many_pixels()
        case Problem.BUSY:
            return _busy()
        case Problem.NOTHING_TO_SEE:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        case _:
            status = HTTPStatus.BAD_REQUEST
    picture_format = error.picture_format and error.picture_format + " "
    return ApiError(status, _SENTENCES[error.problem].format(picture_format))


def _busy() -> ApiError:
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too much is going on to decode this picture. Try again in two seconds.",
        headers={"Retry-After": "2"},
    )


def _not_in_time() -> ApiError:
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Not classified in time: send this picture again alone, or fewer in a call.",
        headers={"Retry-After": "2"},
    )
