"""Micro-batching: pictures that wait at the same time share one forward pass.

Nothing waits for a batch to fill. A lone picture is passed on at once; pictures that arrive while
a forward pass runs make up the next one. So batches grow with the load and only with it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from service import metrics
from service.refusals import Refusal

MAX_BATCH = 256
"""Pictures in one forward pass; beyond it they gain nothing and those behind wait longer."""

MAX_WAITING = 20_000
"""Pictures in the queue (16 MB). Beyond it a request is turned away at once, with Retry-After."""

Images = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]
Context = TypeVar("Context")


@dataclass
class _Waiting(Generic[Context]):
    images: Images
    since: float
    answer: "asyncio.Future[tuple[Scores, Context]]"


class Batcher(Generic[Context]):
    """Runs `forward` in a thread of its own, on batches.

    `forward` takes pictures, uint8 (N, 28, 28), and returns their probabilities, float (N, C),
    with whatever describes how they came about (the model): one batch, one context.
    """

    def __init__(self, forward: Callable[[Images], tuple[Scores, Context]]) -> None:
        self._forward = forward
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forward")
        self._queue: deque[_Waiting[Context]] = deque()
        self._waiting_images = 0
        self._running: asyncio.Task[None] | None = None

    async def submit(self, images: Images) -> list[tuple[Scores, Context]]:
        """The forward passes over a call's pictures, shared with others that wait.

        Answers come in the order of the pictures, up to MAX_BATCH of them in each. Raises Refusal
        (503) when too many wait, before any of these does; and whatever `forward` raises.
        """
        if self._waiting_images + len(images) > MAX_WAITING:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many pictures are waiting. Try again in a second.",
                headers={"Retry-After": "1"},
            )
        blocks = [images[start : start + MAX_BATCH] for start in range(0, len(images), MAX_BATCH)]
        return await asyncio.gather(*map(self._submit_block, blocks))

    async def _submit_block(self, images: Images) -> tuple[Scores, Context]:
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Context] = _Waiting(images, time.perf_counter(), loop.create_future())
        self._queue.append(waiting)
        self._waiting_images += len(images)
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._run())
        return await waiting.answer

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            batch = self._next_batch()
            try:
                scores, context = await loop.run_in_executor(self._thread, self._pass, batch)
            except Exception as error:
                _fail(batch, error)
                continue
            start = 0
            for waiting in batch:
                stop = start + len(waiting.images)
                if not waiting.answer.done():  # its client may have gone
                    waiting.answer.set_result((scores[start:stop], context))
                start = stop

    def _next_batch(self) -> list[_Waiting[Context]]:
        batch = [self._queue.popleft()]
        size = len(batch[0].images)
        while self._queue and size + len(self._queue[0].images) <= MAX_BATCH:
            batch.append(self._queue.popleft())
            size += len(batch[-1].images)
        self._waiting_images -= size
        return batch

    def _pass(self, batch: list[_Waiting[Context]]) -> tuple[Scores, Context]:
        images = np.concatenate([waiting.images for waiting in batch])
        began = time.perf_counter()
        for waiting in batch:
            metrics.QUEUE_SECONDS.observe(began - waiting.since)
        answer = self._forward(images)
        metrics.INFERENCE_SECONDS.observe(time.perf_counter() - began)
        metrics.BATCH_IMAGES.observe(len(images))
        return answer


def _fail(batch: list[_Waiting[Context]], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
