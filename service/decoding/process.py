"""A process that decodes pictures one after the other, and is ended when one takes too long.

A thread cannot be ended, and what it took stays with the process. Here both end with the process.
"""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar, cast

import numpy as np

import service
from service.decoding import worker
from service.decoding.reader import PictureError, Problem
from service.decoding.worker import Task
from training.model.crop import Crop
from training.model.foreground import Photo
from training.model.preprocess import SIDE, Grey

_Result = TypeVar("_Result")

DECODE_SECONDS = 8
"""Longest time for one picture. It computes for much less, but other requests go first."""

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


@dataclass(frozen=True, slots=True)
class _Request(Generic[_Result]):
    future: "Future[_Result]"
    data: bytes
    parse: Callable[[memoryview], _Result]


class DecodingProcess:
    """Decodes pictures and removes backgrounds, in order.

    The process starts when it is needed and ends when it is idle.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._waiting: queue.SimpleQueue[_Request[Any]] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        threading.Thread(target=self._run, name="decoding", daemon=True).start()

    def decode(self, data: bytes, crop: Crop | None = None) -> "Future[Grey]":
        """Return a future of a picture file's model input, uint8 (28, 28), or of a PictureError.

        Like the other futures, it can be cancelled as long as it waits.
        """
        return self._submit(Task.DECODE, _numbers(crop), data, _model_input)

    def remove_background(self, photo: Photo) -> "Future[Grey]":
        """Return a future of the model's input for a photo, uint8 (H, W, 3)."""
        return self._submit(Task.REMOVE_BACKGROUND, photo.shape[:2], photo.tobytes(), _model_input)

    def show(self, data: bytes, crop: Crop | None = None, *, mask: bool) -> "Future[bytes]":
        """Return a future of a PNG of a picture file, upright; with `mask`, as a photo is seen."""
        return self._submit(Task.SHOW_MASK if mask else Task.SHOW, _numbers(crop), data, bytes)

    def _submit(
        self,
        task: Task,
        numbers: Sequence[float],
        picture: bytes,
        parse: Callable[[memoryview], _Result],
    ) -> "Future[_Result]":
        future: Future[_Result] = Future()
        self._waiting.put(_Request(future, worker.request(task, numbers, picture), parse))
        return future

    def _run(self) -> None:
        while True:
            try:
                wanted = self._waiting.get(timeout=_IDLE_SECONDS if self._process else None)
            except queue.Empty:
                self._end()
                continue
            if wanted.future.set_running_or_notify_cancel():
                try:
                    wanted.future.set_result(wanted.parse(self._ask(wanted.data)))
                except Exception as error:  # told to whoever waits
                    wanted.future.set_exception(error)
            del wanted  # as long as the thread waits, it would stay

    def _ask(self, data: bytes) -> memoryview:
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
        return memoryview(answer)[1:]

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


def _numbers(crop: Crop | None) -> Sequence[float]:
    return () if crop is None else (crop.left, crop.top, crop.width, crop.height)


def _model_input(answer: memoryview) -> Grey:
    return np.frombuffer(answer, dtype=np.uint8).reshape(SIDE, SIDE)


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
