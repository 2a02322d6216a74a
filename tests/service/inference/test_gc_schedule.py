"""The garbage collection schedule: reference cycles are freed by the clock."""

import subprocess
import sys

import pytest

from tests.support.processes import ROOT

WORKER = """
import asyncio, gc, sys, time, weakref
from service.inference import gc_schedule

class Cycle:
    def __init__(self):
        self.itself = self

async def work(is_old, is_busy, full, full_at_latest, patience):
    gc_schedule.YOUNG_SECONDS, gc_schedule.IDLE_SECONDS = 0.01, 0.1
    gc_schedule.FULL_SECONDS, gc_schedule.FULL_AT_LATEST_SECONDS = full, full_at_latest
    before = len(gc.get_objects())
    gc_schedule.start_gc_schedule()
    assert len(gc.get_objects()) < before / 10, "the objects of the start are not frozen"
    cycle = Cycle()
    if is_old:
        gc.collect(1)
    reference = weakref.ref(cycle)
    del cycle
    deadline = time.monotonic() + patience
    while reference() is not None and time.monotonic() < deadline:
        busy_until = time.process_time() + (0.01 if is_busy else 0)
        while time.process_time() < busy_until:
            pass
        await asyncio.sleep(0.001 if is_busy else 0.1)
    print("kept" if reference() else "freed")

old, busy, *seconds = sys.argv[1:]
asyncio.run(work(old == "old", busy == "busy", *map(float, seconds)))
"""

NEVER = "1000"


@pytest.mark.parametrize(
    ("age", "load", "full", "full_at_latest", "result"),
    [
        ("new", "busy", NEVER, NEVER, "freed"),
        ("old", "idle", "0.3", NEVER, "freed"),
        ("old", "idle", NEVER, NEVER, "kept"),  # a full collection each time costs too much
        ("old", "busy", "0.3", NEVER, "kept"),  # and would block a busy worker
        ("old", "busy", NEVER, "0.3", "freed"),
    ],
)
def test_garbage_is_collected_and_the_objects_of_the_start_are_frozen(
    age: str, load: str, full: str, full_at_latest: str, result: str
) -> None:
    patience = "10" if result == "freed" else "2"
    command = [sys.executable, "-c", WORKER, age, load, full, full_at_latest, patience]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{result}\n"), done.stderr
