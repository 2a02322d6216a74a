"""Micro-batching: pictures that wait at the same time share one forward pass.

Nothing waits for a batch to fill. A pass starts as soon as the event loop has handled everything
that arrived before it. So an idle service passes a single picture at once, and batches grow only
with the load.

The pass runs in the event loop's own thread. There is one worker per core, so no core is idle that
another thread could use, and to hand a batch to a thread and back costs more than a small
network's pass. MAX_BATCH limits how long a pass blocks the loop.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from service.http.errors import ApiError
from service.metrics import definitions
from service.metrics.buffer import MetricsBuffer

MAX_BATCH = 64
"""Pictures in one forward pass. On one thread, convolutions are fastest at 32 to 64, and linear
layers gain nothing beyond 64. Other requests wait during a pass."""

MAX_CALLS = 2_048
"""Calls in progress: less than half a second of work for the small network, less than a second for
the large one. Further calls are refused before their pictures are decoded."""

MAX_PICTURES = 20_000
"""Pictures in those calls (16 MB)."""

Images = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.intp]
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Waiting(Generic[Answer]):
    images: Images
    load_test: bool
    since: float
    answers: "asyncio.Future[list[Answer]]"


@dataclass(frozen=True, slots=True)
class _Pass:
    pictures: int
    seconds: float
    waited: list[float]


class Batcher(Generic[Answer]):
    """Runs `forward` on batches. For use in one event loop.

    `forward` takes pictures, uint8 (N, 28, 28), and the rows of those that are no load test, None
    for all. It returns an answer for each picture. The size and the times of each pass are recorded
    in `metrics_buffer`.
    """

    def __init__(
        self,
        forward: Callable[[Images, Rows | None], list[Answer]],
        metrics_buffer: MetricsBuffer,
    ) -> None:
        self._forward = forward
        self._metrics_buffer = metrics_buffer
        self._queue: deque[_Waiting[Answer]] = deque()
        self._is_scheduled = False
        self._calls = 0
        self._pictures = 0

    @contextmanager
    def room_for(self, pictures: int) -> Iterator[None]:
        """Reserve room for a call's pictures until the block ends. Enter it before decoding them.

        Raises ApiError (503, with Retry-After) when MAX_CALLS or MAX_PICTURES would be exceeded.
        """
        if self._calls >= MAX_CALLS or self._pictures + pictures > MAX_PICTURES:
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many pictures are waiting. Try again in a second.",
                headers={"Retry-After": "1"},
            )
        self._calls += 1
        self._pictures += pictures
        try:
            yield
        finally:
            self._calls -= 1
            self._pictures -= pictures

    async def submit(self, images: Images, *, load_test: bool = False) -> list[Answer]:
        """Return the answers to pictures, uint8 (N, 28, 28), in order.

        Raises what `forward` raises.
        """
        if 0 < len(images) <= MAX_BATCH:
            return await self._enqueue(images, load_test)
        blocks = [images[start : start + MAX_BATCH] for start in range(0, len(images), MAX_BATCH)]
        answers = await asyncio.gather(*(self._enqueue(block, load_test) for block in blocks))
        return [answer for block in answers for answer in block]

    def _enqueue(self, images: Images, load_test: bool) -> "asyncio.Future[list[Answer]]":
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Answer] = _Waiting(
            images, load_test, time.perf_counter(), loop.create_future()
        )
        self._queue.append(waiting)
        if not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._run_batch, loop)
        return waiting.answers

    def _run_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._next_batch()
        try:
            answers = self._run_pass(batch)
        except Exception as error:
            for waiting in batch:
                if not waiting.answers.done():  # cancelled if its client has disconnected
                    waiting.answers.set_exception(error)
        else:
            start = 0
            for waiting in batch:
                stop = start + len(waiting.images)
                if not waiting.answers.done():
                    waiting.answers.set_result(answers[start:stop])
                start = stop
        if self._queue:
            loop.call_soon(self._run_batch, loop)  # after the calls that were just answered
        else:
            self._is_scheduled = False

    def _next_batch(self) -> list[_Waiting[Answer]]:
        batch = [self._queue.popleft()]
        size = len(batch[0].images)
        while self._queue and size + len(self._queue[0].images) <= MAX_BATCH:
            batch.append(self._queue.popleft())
            size += len(batch[-1].images)
        return batch

    def _run_pass(self, batch: list[_Waiting[Answer]]) -> list[Answer]:
        images = np.concatenate([waiting.images for waiting in batch])
        started = time.perf_counter()
        answers = self._forward(images, _live_rows(batch))
        seconds = time.perf_counter() - started
        waited = [started - waiting.since for waiting in batch]
        self._metrics_buffer.record(_observe_passes, _Pass(len(images), seconds, waited))
        return answers


def _live_rows(batch: list[_Waiting[Answer]]) -> Rows | None:
    """Return the rows of a batch that are no load test, None for all of them."""
    if not any(waiting.load_test for waiting in batch):
        return None
    lengths = [len(waiting.images) for waiting in batch]
    return np.flatnonzero(np.repeat([not waiting.load_test for waiting in batch], lengths))


def _observe_passes(passes: list[_Pass]) -> None:
    definitions.observe_many(definitions.BATCH_IMAGES, [each.pictures for each in passes])
    definitions.observe_many(definitions.INFERENCE_SECONDS, [each.seconds for each in passes])
    definitions.observe_many(
        definitions.QUEUE_SECONDS, [waited for each in passes for waited in each.waited]
    )
