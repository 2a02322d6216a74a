"""Micro-batching: who waits together shares a pass, and nobody waits for company."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from service.batching import MAX_BATCH, MAX_WAITING, Batcher, Images
from service.refusals import Refusal


class Network:
    """A forward pass that can be held up; it notes the size of each batch.

    A picture's score is its first pixel, so that answers can be told apart.
    """

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.fails = False

    def forward(self, images: Images) -> tuple[Any, str]:
        assert self.may_go_on.wait(10)
        self.batches.append(len(images))
        if self.fails:
            raise RuntimeError("no memory")
        return images[:, 0, :1].astype(np.float32), "model"


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def batcher(network: Network) -> Batcher[str]:
    return Batcher(network.forward)


def pictures(*values: int) -> Images:
    images = np.zeros((len(values), 28, 28), dtype=np.uint8)
    images[:, 0, 0] = values
    return images


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: Playwright keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asyncio.wait_for(work, 20)).result()


def scores(answers: list[tuple[Any, str]]) -> list[float]:
    return [float(row[0]) for block, _ in answers for row in block]


def test_a_lone_picture_is_passed_on_alone(batcher: Batcher[str], network: Network) -> None:
    assert scores(run(batcher.submit(pictures(7)))) == [7]
    assert network.batches == [1]


def test_pictures_that_come_during_a_pass_share_the_next_one(
    batcher: Batcher[str], network: Network
) -> None:
    async def work() -> list[Any]:
        network.may_go_on.clear()
        first = asyncio.create_task(batcher.submit(pictures(1)))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(batcher.submit(pictures(n, n + 1))) for n in (10, 20, 30)]
        await asyncio.sleep(0.05)
        network.may_go_on.set()
        return [scores(await task) for task in (first, *others)]

    assert run(work()) == [[1], [10, 11], [20, 21], [30, 31]]
    assert network.batches == [1, 6]


def test_a_call_of_many_is_cut_into_batches_and_stays_in_order(
    batcher: Batcher[str], network: Network
) -> None:
    values = [n % 256 for n in range(2 * MAX_BATCH + 5)]
    assert scores(run(batcher.submit(pictures(*values)))) == values
    assert network.batches == [MAX_BATCH, MAX_BATCH, 5]


def test_a_full_queue_turns_the_next_away_and_answers_those_in_it(
    batcher: Batcher[str], network: Network
) -> None:
    async def work() -> tuple[int, Refusal, list[float]]:
        network.may_go_on.clear()
        running = asyncio.create_task(batcher.submit(pictures(1)))
        await asyncio.sleep(0.05)
        full = asyncio.create_task(batcher.submit(np.zeros((MAX_WAITING, 28, 28), np.uint8)))
        await asyncio.sleep(0.05)
        with pytest.raises(Refusal) as refused:
            await batcher.submit(pictures(2))
        network.may_go_on.set()
        await running
        answered = len(scores(await full))
        return answered, refused.value, scores(await batcher.submit(pictures(3)))

    answered, refusal, later = run(work())
    assert answered == MAX_WAITING
    assert later == [3]
    assert refusal.status == 503
    assert refusal.sentence == "Too many pictures are waiting. Try again in a second."
    assert refusal.headers["Retry-After"] == "1"


def test_a_pass_that_fails_fails_its_own_pictures_only(
    batcher: Batcher[str], network: Network
) -> None:
    async def work() -> list[float]:
        network.fails = True
        with pytest.raises(RuntimeError, match="no memory"):
            await batcher.submit(pictures(1))
        network.fails = False
        return scores(await batcher.submit(pictures(2)))

    assert run(work()) == [2]


def test_a_client_that_gives_up_does_not_stop_the_others(
    batcher: Batcher[str], network: Network
) -> None:
    async def work() -> list[float]:
        network.may_go_on.clear()
        gone = asyncio.create_task(batcher.submit(pictures(1)))
        stays = asyncio.create_task(batcher.submit(pictures(2)))
        await asyncio.sleep(0.05)
        gone.cancel()
        network.may_go_on.set()
        return scores(await stays)

    assert run(work()) == [2]
