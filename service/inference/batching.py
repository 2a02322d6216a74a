"""Micro-batching: pictures that wait at the same time share one forward pass.

Nothing waits for a batch to fill. A pass begins as soon as the event loop has seen to everything
that had arrived by then: alone in an idle service, in company under load. So batches grow with
the load and only with it.

The pass runs in the event loop's own thread. There is one worker a core, so there is no idle core
that another thread could use meanwhile, and handing a batch over and back costs more than a small
network's pass. MAX_BATCH bounds how long the loop stands still.
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
"""Pictures in one forward pass. Convolutions are fastest at 32 to 64, on one thread; linear layers
gain nothing beyond 64; and a pass makes everybody else wait."""

MAX_CALLS = 2_048
"""Calls that are being answered: less than half a second's work for the small network, less than a
second's for the large one. Beyond it one is turned away before its picture is decoded."""

MAX_PICTURES = 20_000
"""Pictures of those calls (16 MB)."""

Images = npt.NDArray[np.uint8]
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Waiting(Generic[Answer]):
    images: Images
    since: float
    answers: "asyncio.Future[list[Answer]]"


@dataclass(frozen=True, slots=True)
class _Pass:
    pictures: int
    seconds: float
    waited: list[float]


class Batcher(Generic[Answer]):
    """Runs `forward` on batches. For use in one event loop.

    `forward` takes pictures, uint8 (N, 28, 28), and returns an answer for each. What passes there
    were goes into the metrics_buffer.
    """

    def __init__(
        self, forward: Callable[[Images], list[Answer]], metrics_buffer: MetricsBuffer
    ) -> None:
        self._forward = forward
        self._metrics_buffer = metrics_buffer
        self._queue: deque[_Waiting[Answer]] = deque()
        self._is_scheduled = False
        self._calls = 0
        self._pictures = 0

    @contextmanager
    def room_for(self, pictures: int) -> Iterator[None]:
        """Hold room for a call of so many, from before they are decoded until it is answered.

        Raises ApiError (503, Retry-After) at once when too much is being answered already.
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

    async def submit(self, images: Images) -> list[Answer]:
        """The answers for a call's pictures, in their order, from passes shared with others.

        Raises whatever `forward` raises.
        """
        if 0 < len(images) <= MAX_BATCH:
            return await self._enqueue(images)
        blocks = [images[start : start + MAX_BATCH] for start in range(0, len(images), MAX_BATCH)]
        answers = await asyncio.gather(*map(self._enqueue, blocks))
        return [answer for block in answers for answer in block]

    def _enqueue(self, images: Images) -> "asyncio.Future[list[Answer]]":
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Answer] = _Waiting(images, time.perf_counter(), loop.create_future())
        self._queue.append(waiting)
        if not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._run, loop)
        return waiting.answers

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._next_batch()
        try:
            answers = self._pass(batch)
        except Exception as error:
            for waiting in batch:
                if not waiting.answers.done():  # its client may have gone
                    waiting.answers.set_exception(error)
        else:
            start = 0
            for waiting in batch:
                stop = start + len(waiting.images)
                if not waiting.answers.done():
                    waiting.answers.set_result(answers[start:stop])
                start = stop
        if self._queue:
            loop.call_soon(self._run, loop)  # after those who have just been answered
        else:
            self._is_scheduled = False

    def _next_batch(self) -> list[_Waiting[Answer]]:
        batch = [self._queue.popleft()]
        size = len(batch[0].images)
        while self._queue and size + len(self._queue[0].images) <= MAX_BATCH:
            batch.append(self._queue.popleft())
            size += len(batch[-1].images)
        return batch

    def _pass(self, batch: list[_Waiting[Answer]]) -> list[Answer]:
        images = np.concatenate([waiting.images for waiting in batch])
        began = time.perf_counter()
        answers = self._forward(images)
        seconds = time.perf_counter() - began
        waited = [began - waiting.since for waiting in batch]
        self._metrics_buffer.record(_count, _Pass(len(images), seconds, waited))
        return answers


def _count(passes: list[_Pass]) -> None:
    definitions.observe_many(definitions.BATCH_IMAGES, [it.pictures for it in passes])
    definitions.observe_many(definitions.INFERENCE_SECONDS, [it.seconds for it in passes])
    definitions.observe_many(
        definitions.QUEUE_SECONDS, [waited for it in passes for waited in it.waited]
    )
