"""The process that decodes what is not certainly cheap: see service/decoding/process.py.

    python -m service.decoding.worker MAX_PIXELS MAX_SECONDS

Reads requests from standard input and writes answers to standard output, each behind its length,
8 bytes. A request is a Task, four numbers and a picture. An answer is a byte, and after it what the
Task says or, when the byte is a Problem, the picture's format. Ends at the end of its input.
"""

import os
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum

import numpy as np

from service.decoding import reader
from training.model.crop import Crop

MAX_MEMORY_BYTES = 900_000_000
"""Address space. A picture of 50 megapixels takes 200 MB, one of an animation three times that."""

OUT_OF_TIME, KILLED = -signal.SIGPROF, -signal.SIGKILL
"""Exit statuses: MAX_SECONDS of computing were not enough; another process ended this one."""

OK = 0
LENGTH_BYTES = 8
NICENESS = 5
"""Requests that need no decoding go first."""

_HEAD = struct.Struct("<B4d")


class Task(IntEnum):
    """What is wanted of a picture. The numbers beside it are a crop, or the size of a photo."""

    DECODE = 1
    """From a picture file to the model's input, uint8 (28, 28)."""

    REMOVE_BACKGROUND = 2
    """From a photo, uint8 (H, W, 3), to the model's input."""

    SHOW = 3
    """From a picture file to a PNG of it, upright."""

    SHOW_MASK = 4
    """From a picture file to a PNG of it, upright and with its background dimmed."""


def request(task: Task, numbers: Sequence[float], picture: bytes) -> bytes:
    """Build a request. `numbers` are up to four."""
    return _HEAD.pack(task, *numbers, *[0.0] * (4 - len(numbers))) + picture


def main() -> None:
    """Answer requests until the input ends."""
    max_pixels, max_seconds = map(int, sys.argv[1:])
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that our input
    reader.load_readers()
    with suppress(OSError, ValueError):  # not every system has this limit
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    _silence_decoders()
    _write(b"")
    while (data := _read()) is not None:
        # Computing goes on in C, where no handler runs: the signal ends the process.
        signal.setitimer(signal.ITIMER_PROF, max_seconds)
        answer = _answer(data, max_pixels)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(answer)


def _silence_decoders() -> None:
    """Keep what libtiff prints about damaged files out of the log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stderr.fileno())
    os.close(nowhere)


def _answer(data: bytes, max_pixels: int) -> bytes:
    task, *numbers = _HEAD.unpack_from(data)
    picture = data[_HEAD.size :]
    try:
        return bytes([OK]) + _result(Task(task), numbers, picture, max_pixels)
    except reader.PictureError as error:
        return bytes([error.problem]) + error.picture_format.encode()


def _result(task: Task, numbers: list[float], picture: bytes, max_pixels: int) -> bytes:
    if task is Task.REMOVE_BACKGROUND:
        height, width = int(numbers[0]), int(numbers[1])
        photo = np.frombuffer(picture, dtype=np.uint8).reshape(height, width, 3)
        return reader.remove_background(photo).tobytes()
    crop = Crop(*numbers) if any(numbers) else None
    if task is not Task.DECODE:
        return reader.view(picture, max_pixels, crop, mask=task is Task.SHOW_MASK)
    found = reader.read(picture, max_pixels, crop)
    return (found if found.ndim == 2 else reader.remove_background(found)).tobytes()


def _read() -> bytes | None:
    length = sys.stdin.buffer.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    return sys.stdin.buffer.read(int.from_bytes(length))


def _write(answer: bytes) -> None:
    sys.stdout.buffer.write(len(answer).to_bytes(LENGTH_BYTES) + answer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
