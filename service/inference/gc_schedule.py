"""Python's garbage collector, a little at a time.

Left to itself it waits until there are so many objects more than before. That suits neither what
lives for ever, torch's and BentoML's half a million objects, which a full collection walks through
while everybody waits for 100 ms; nor BentoML's timer of each request, which lives for the time
limit: under a steady load as many timers end as begin, so that the number of objects hardly
grows, and when at last it has, hundreds of thousands are looked through at once.

So what was there at the start is exempt, and the rest is looked through by the clock: what is new
once a second, all of it when nobody would notice.
"""

import asyncio
import gc
import time

SECONDS = 1.0
"""Between two collections of what is new. At full load one takes 6 ms. To look more often would be
to look through requests that are still being answered, of a crowd 100,000 objects, for nothing."""

ALL_EVERY = 300
"""Seconds after which all is looked through, once the worker is idle. Answered requests leave next
to nothing to collect, and under full load it takes some 200 ms, in which nobody is answered."""

ALL_AT_LATEST = 3_600
"""Seconds after which it is done even if the worker is not."""

IDLE_SECONDS = 20
"""Until a worker without load counts as idle. BentoML has then no timers left of the requests that
were before, and there is little to look through."""

_IDLE_SHARE = 0.05
"""Of a processor. Scrapes and health calls take less."""


def start_gc_schedule() -> None:
    """From now on, for as long as the running event loop does. Call once everything is loaded."""
    gc.disable()
    gc.freeze()
    loop = asyncio.get_running_loop()
    all_at = looked_at = loop.time()
    used = time.process_time()

    def collect() -> None:
        nonlocal all_at, looked_at, used
        now, is_idle = loop.time(), False
        if now - looked_at >= IDLE_SECONDS:
            is_idle = time.process_time() - used < _IDLE_SHARE * (now - looked_at)
            looked_at, used = now, time.process_time()
        is_due = now - all_at >= (ALL_EVERY if is_idle else ALL_AT_LATEST)
        if is_due:
            all_at = now
        gc.collect(2 if is_due else 1)
        loop.call_later(SECONDS, collect)

    collect()
