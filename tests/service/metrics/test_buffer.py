"""Counting off the requests' path: everything is counted once, soon, and together."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from service.metrics.buffer import MetricsBuffer


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: Playwright keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asyncio.wait_for(work, 20)).result()


def test_what_comes_in_a_short_time_is_counted_together() -> None:
    counted: list[list[int]] = []

    async def work() -> None:
        metrics_buffer = MetricsBuffer(0.05)
        for number in range(3):
            metrics_buffer.record(counted.append, number)
        assert counted == []
        await asyncio.sleep(0.2)
        metrics_buffer.record(counted.append, 3)
        await asyncio.sleep(0.2)

    run(work())
    assert counted == [[0, 1, 2], [3]]


def test_each_kind_is_counted_by_its_own() -> None:
    numbers: list[list[int]] = []
    words: list[list[str]] = []

    async def work() -> None:
        metrics_buffer = MetricsBuffer(0.01)
        metrics_buffer.record(numbers.append, 1)
        metrics_buffer.record(words.append, "one")
        metrics_buffer.record(numbers.append, 2)
        await asyncio.sleep(0.2)

    run(work())
    assert (numbers, words) == ([[1, 2]], [["one"]])
