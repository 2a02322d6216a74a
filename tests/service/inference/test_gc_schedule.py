"""What refers to itself is freed by the clock, however few objects there are."""

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

async def work(is_old, is_busy, all_every, all_at_latest, patience):
    gc_schedule.SECONDS, gc_schedule.IDLE_SECONDS = 0.01, 0.1
    gc_schedule.ALL_EVERY, gc_schedule.ALL_AT_LATEST = all_every, all_at_latest
    there_before = len(gc.get_objects())
    gc_schedule.start_gc_schedule()
    assert len(gc.get_objects()) < there_before / 10, "what was there before is looked through"
    cycle = Cycle()
    if is_old:
        gc.collect(1)
    gone = weakref.ref(cycle)
    del cycle
    deadline = time.monotonic() + patience
    while gone() is not None and time.monotonic() < deadline:
        busy_until = time.process_time() + (0.01 if is_busy else 0)
        while time.process_time() < busy_until:
            pass
        await asyncio.sleep(0.001 if is_busy else 0.1)
    print("kept" if gone() else "freed")

old, busy, *seconds = sys.argv[1:]
asyncio.run(work(old == "old", busy == "busy", *map(float, seconds)))
"""

NEVER = "1000"


@pytest.mark.parametrize(
    ("age", "load", "all_every", "all_at_latest", "what"),
    [
        ("new", "busy", NEVER, NEVER, "freed"),
        ("old", "idle", "0.3", NEVER, "freed"),
        ("old", "idle", NEVER, NEVER, "kept"),  # to look through all costs too much for each time
        ("old", "busy", "0.3", NEVER, "kept"),  # and too much for those who wait
        ("old", "busy", NEVER, "0.3", "freed"),
    ],
)
def test_garbage_is_collected_but_what_was_there_before_is_left_alone(
    age: str, load: str, all_every: str, all_at_latest: str, what: str
) -> None:
    patience = "10" if what == "freed" else "2"
    command = [sys.executable, "-c", WORKER, age, load, all_every, all_at_latest, patience]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{what}\n"), done.stderr
