"""The process that decodes what is not certainly cheap: see service/decoding/process.py.

    python -m service.decoding.worker MAX_PIXELS MAX_SECONDS

Reads requests from standard input: a picture file behind its length, 8 bytes. Writes answers to
standard output, behind their lengths: a byte, and the model's input after OK or the picture's
format after a Problem. Ends at the end of its input.
"""

import os
import resource
import signal
import sys
from contextlib import suppress

from service.decoding import reader

MAX_MEMORY_BYTES = 900_000_000
"""Address space. A picture of 50 megapixels takes 200 MB, one of an animation three times that."""

OUT_OF_TIME, KILLED = -signal.SIGPROF, -signal.SIGKILL
"""Exit statuses: MAX_SECONDS of computing were not enough; another process ended this one."""

OK = 0
LENGTH_BYTES = 8


def main() -> None:
    """Answer requests until the input ends."""
    max_pixels, max_seconds = map(int, sys.argv[1:])
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
    try:
        return bytes([OK]) + reader.read(data, max_pixels).tobytes()
    except reader.PictureError as error:
        return bytes([error.problem]) + error.picture_format.encode()


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
