"""What refers to itself is freed by the clock, however few objects there are."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from service import collector
from tests.processes import wait_for


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _collector_as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize("survived", [(), (1,)])
def test_garbage_of_any_age_is_collected(
    survived: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "SECONDS", 0.01)
    monkeypatch.setattr(collector, "ALL_EVERY", 40)

    async def freed() -> None:
        collector.collect_by_the_clock()
        cycle = Cycle()
        for generation in survived:
            gc.collect(generation)
        gone = weakref.ref(cycle)
        del cycle
        await asyncio.to_thread(wait_for, lambda: gone() is None, 10, "its end")

    asyncio.run(freed())


def test_what_was_there_before_is_left_alone() -> None:
    async def looked_at() -> int:
        collector.collect_by_the_clock()
        return len(gc.get_objects())

    assert asyncio.run(looked_at()) < gc.get_freeze_count() / 10
