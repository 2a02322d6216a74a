"""The metrics buffer: every entry is counted once, soon, and together with others."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from service.metrics.buffer import MetricsBuffer


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run in a thread of its own: Playwright's event loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asyncio.wait_for(work, 20)).result()


def test_entries_within_a_short_time_are_flushed_together() -> None:
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


def test_each_consumer_gets_its_own_entries() -> None:
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
