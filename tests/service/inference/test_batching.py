"""Micro-batching: waiting pictures share a forward pass, and none waits for a batch to fill."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from service.http.errors import ApiError
from service.inference.batching import MAX_BATCH, MAX_CALLS, MAX_PICTURES, Batcher, Images, Rows
from service.metrics.buffer import MetricsBuffer


class Network:
    """A forward pass that records the size of each batch, and which rows of it are live pictures.
    The answer is a picture's first pixel."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.live_rows: list[list[int] | None] = []
        self.fails = False

    def forward(self, images: Images, live_rows: Rows | None) -> list[int]:
        self.batches.append(len(images))
        self.live_rows.append(None if live_rows is None else live_rows.tolist())
        if self.fails:
            raise RuntimeError("no memory")
        answers: list[int] = images[:, 0, 0].tolist()
        return answers


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def batcher(network: Network) -> Batcher[int]:
    return Batcher(network.forward, MetricsBuffer())


def pictures(*values: int) -> Images:
    images = np.zeros((len(values), 28, 28), dtype=np.uint8)
    images[:, 0, 0] = values
    return images


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run in a thread of its own: Playwright's event loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asyncio.wait_for(work, 20)).result()


def test_a_single_picture_gets_a_pass_of_its_own(batcher: Batcher[int], network: Network) -> None:
    assert run(batcher.submit(pictures(7))) == [7]
    assert network.batches == [1]


def test_pictures_that_arrive_together_share_a_pass(
    batcher: Batcher[int], network: Network
) -> None:
    async def work() -> list[Any]:
        calls = (pictures(1), pictures(10, 11), pictures(20, 21), pictures(30, 31))
        return await asyncio.gather(*map(batcher.submit, calls))

    assert run(work()) == [[1], [10, 11], [20, 21], [30, 31]]
    assert network.batches == [7]


def test_live_pictures_in_a_batch_with_a_load_test_are_told_apart(
    batcher: Batcher[int], network: Network
) -> None:
    async def work() -> list[Any]:
        calls = (
            batcher.submit(pictures(1)),
            batcher.submit(pictures(10, 11), load_test=True),
            batcher.submit(pictures(20, 21)),
        )
        return list(await asyncio.gather(*calls))

    assert run(work()) == [[1], [10, 11], [20, 21]]
    assert run(batcher.submit(pictures(3), load_test=True)) == [3]
    assert run(batcher.submit(pictures(4))) == [4]
    assert network.live_rows == [[0, 3, 4], [], None]


def test_a_picture_after_a_pass_does_not_wait_for_more(
    batcher: Batcher[int], network: Network
) -> None:
    async def work() -> list[Any]:
        return [await batcher.submit(pictures(n)) for n in (1, 2, 3)]

    assert run(work()) == [[1], [2], [3]]
    assert network.batches == [1, 1, 1]


def test_a_large_call_is_split_into_batches_and_keeps_its_order(
    batcher: Batcher[int], network: Network
) -> None:
    values = [n % 256 for n in range(2 * MAX_BATCH + 5)]
    assert run(batcher.submit(pictures(*values))) == values
    assert network.batches == [MAX_BATCH, MAX_BATCH, 5]


def test_a_call_without_pictures_has_no_answers(batcher: Batcher[int], network: Network) -> None:
    assert run(batcher.submit(pictures())) == []
    assert network.batches == []


@pytest.mark.parametrize(("calls", "each"), [(MAX_CALLS, 1), (2, MAX_PICTURES // 2)])
def test_calls_beyond_the_limit_get_503_until_another_is_answered(
    batcher: Batcher[int], calls: int, each: int
) -> None:
    held = [batcher.room_for(each) for _ in range(calls)]
    for room in held:
        room.__enter__()
    with pytest.raises(ApiError) as refused, batcher.room_for(1):
        pass
    assert refused.value.status == 503
    assert refused.value.message == "Too many pictures are waiting. Try again in a second."
    assert refused.value.headers["Retry-After"] == "1"
    held[0].__exit__(None, None, None)
    with batcher.room_for(1):
        pass


def test_a_failed_pass_fails_only_its_own_pictures(batcher: Batcher[int], network: Network) -> None:
    async def work() -> list[int]:
        network.fails = True
        with pytest.raises(RuntimeError, match="no memory"):
            await batcher.submit(pictures(1))
        network.fails = False
        return await batcher.submit(pictures(2))

    assert run(work()) == [2]


def test_a_cancelled_call_does_not_affect_the_others(
    batcher: Batcher[int], network: Network
) -> None:
    async def work() -> list[int]:
        gone = asyncio.create_task(batcher.submit(pictures(1)))
        stays = asyncio.create_task(batcher.submit(pictures(2)))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert run(work()) == [2]
