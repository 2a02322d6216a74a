"""A process that decodes pictures one after the other, and is ended when one takes too long.

A thread cannot be ended, and what it took stays with the process. Here both end with the process.
"""

import os
import queue
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import numpy as np

import service
from service.decoding import worker
from service.decoding.reader import PictureError, Problem
from training.model.preprocess import SIDE, Grey

DECODE_SECONDS = 5
"""Longest time for one picture."""

_CPU_SECONDS = 4
"""Longest time that it may compute. 50 megapixels take a second, as JPEG 2000 three."""

_START_SECONDS = 30
_IDLE_SECONDS = 60
_EXIT_SECONDS = 0.2

_MEMORY = {
    # Large blocks go back to the system at once, and never into a heap that stays.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class DecodingProcess:
    """Decodes pictures, in order. The process starts when it is needed and ends when it is idle."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._waiting: queue.SimpleQueue[tuple[Future[Grey], bytes]] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        threading.Thread(target=self._run, name="decoding", daemon=True).start()

    def submit(self, data: bytes) -> "Future[Grey]":
        """Return a future of the model's input, uint8 (28, 28), or of a PictureError.

        It can be cancelled as long as it waits.
        """
        future: Future[Grey] = Future()
        self._waiting.put((future, data))
        return future

    def _run(self) -> None:
        while True:
            try:
                future, data = self._waiting.get(timeout=_IDLE_SECONDS if self._process else None)
            except queue.Empty:
                self._end()
                continue
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(self._read(data))
                except Exception as error:  # told to whoever waits
                    future.set_exception(error)
            del future, data  # as long as the thread waits, they would stay

    def _read(self, data: bytes) -> Grey:
        process = self._running()
        killer = threading.Timer(DECODE_SECONDS, process.kill)
        killer.start()
        try:
            answer = _exchange(process, data)
        except (OSError, EOFError) as error:
            self._end()
            raise PictureError(_why_it_ended(process)) from error
        finally:
            killer.cancel()
        if answer[0] != worker.OK:
            raise PictureError(Problem(answer[0]), answer[1:].decode())
        return np.frombuffer(answer, dtype=np.uint8, offset=1).reshape(SIDE, SIDE)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            self._process = _start(self._max_pixels)
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            with suppress(subprocess.TimeoutExpired):  # its exit status, if it has ended by itself
                process.wait(_EXIT_SECONDS)
            process.kill()
            process.communicate()


def _start(max_pixels: int) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "service.decoding.worker", str(max_pixels), str(_CPU_SECONDS)],
        cwd=Path(service.__file__).parents[1],
        env=os.environ | _MEMORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    killer = threading.Timer(_START_SECONDS, process.kill)
    killer.start()
    try:
        _receive(process)  # it is ready
    finally:
        killer.cancel()
    return process


def _why_it_ended(process: "subprocess.Popen[bytes]") -> Problem:
    match process.returncode:
        case worker.OUT_OF_TIME:
            return Problem.TOO_SLOW
        case worker.KILLED:  # by us: others have the cores. Or by the system: it has no memory
            return Problem.BUSY
        case _:  # a decoder crashed
            return Problem.DAMAGED


def _exchange(process: "subprocess.Popen[bytes]", data: bytes) -> bytes:
    stdin = cast(IO[bytes], process.stdin)
    length = len(data).to_bytes(worker.LENGTH_BYTES)
    for piece in (length, memoryview(data)):
        while piece:
            piece = piece[stdin.write(piece) :]
    return _receive(process)


def _receive(process: "subprocess.Popen[bytes]") -> bytes:
    return _take(process, int.from_bytes(_take(process, worker.LENGTH_BYTES)))


def _take(process: "subprocess.Popen[bytes]", length: int) -> bytes:
    stdout = cast(IO[bytes], process.stdout)
    taken = b""
    while len(taken) < length:
        piece = stdout.read(length - len(taken))
        if not piece:
            raise EOFError
        taken += piece
    return taken
