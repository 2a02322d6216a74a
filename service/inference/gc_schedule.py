"""A schedule for Python's garbage collection.

By default, Python collects after a number of allocations. That fits neither the half a million
objects of torch and BentoML, which live as long as the process and which a full collection walks
through in 100 ms; nor BentoML's timer of each request, which lives for the time limit: under a
steady load the number of objects hardly grows, and when it finally does, one collection walks
through hundreds of thousands.

So the objects that exist at the start are frozen, and the others are collected by the clock: young
ones every second, all of them when the worker is idle.
"""

import asyncio
import gc
import time

YOUNG_SECONDS = 1.0
"""Between two collections of young objects. At full load one takes 6 ms. More frequent ones would
walk through requests in progress, up to 100,000 objects, and free nothing."""

FULL_SECONDS = 300
"""Between two full collections, once the worker is idle. Answered requests leave almost nothing to
collect, and at full load a full collection blocks the worker for some 200 ms."""

FULL_AT_LATEST_SECONDS = 3_600
"""After which a full collection runs even if the worker is busy."""

IDLE_SECONDS = 20
"""Without load, until a worker counts as idle. By then BentoML's timers of earlier requests have
ended, and there are few objects to walk through."""

_IDLE_SHARE = 0.05
"""Of a processor. Scrapes and health checks take less."""


def start_gc_schedule() -> None:
    """Replace automatic garbage collection by the schedule, for as long as the event loop runs.

    Call it in the event loop, after everything is loaded.
    """
    gc.disable()
    gc.freeze()
    loop = asyncio.get_running_loop()
    last_full = last_check = loop.time()
    cpu_seconds = time.process_time()

    def collect() -> None:
        nonlocal last_full, last_check, cpu_seconds
        now, is_idle = loop.time(), False
        if now - last_check >= IDLE_SECONDS:
            is_idle = time.process_time() - cpu_seconds < _IDLE_SHARE * (now - last_check)
            last_check, cpu_seconds = now, time.process_time()
        is_full = now - last_full >= (FULL_SECONDS if is_idle else FULL_AT_LATEST_SECONDS)
        if is_full:
            last_full = now
        gc.collect(2 if is_full else 1)
        loop.call_later(YOUNG_SECONDS, collect)

    collect()
