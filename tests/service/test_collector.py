"""What refers to itself is freed by the clock, however few objects there are."""

import subprocess
import sys

import pytest

from tests.processes import ROOT

WORKER = """
import asyncio, gc, sys, time, weakref
from service import collector

class Cycle:
    def __init__(self):
        self.itself = self

async def work(survived):
    collector.SECONDS, collector.ALL_EVERY = 0.01, 40
    there_before = len(gc.get_objects())
    collector.collect_by_the_clock()
    assert len(gc.get_objects()) < there_before / 10, "what was there before is looked through"
    cycle = Cycle()
    if survived:
        gc.collect(1)
    gone = weakref.ref(cycle)
    del cycle
    deadline = time.monotonic() + 10
    while gone() is not None:
        assert time.monotonic() < deadline, "not freed"
        await asyncio.sleep(0.01)

asyncio.run(work(sys.argv[1] == "survived"))
"""


@pytest.mark.parametrize("age", ["new", "survived"])
def test_garbage_is_collected_but_what_was_there_before_is_left_alone(age: str) -> None:
    command = [sys.executable, "-c", WORKER, age]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
