"""Python's garbage collector, a little at a time.

Left to itself it waits until there are so many objects more than before. That suits neither what
lives for ever, torch's and BentoML's half a million objects, which a full collection walks through
while everybody waits for 100 ms; nor BentoML's timer of each request, which lives for the time
limit: under a steady load as many timers end as begin, so that the number of objects hardly
grows, and when at last it has, hundreds of thousands are looked through at once.

So what was there at the start is exempt, and the rest is looked through by the clock.
"""

import asyncio
import gc
from itertools import count

SECONDS = 1.0
"""Between two collections of what is new. At full load one takes 6 ms. To look more often would be
to look through requests that are still being answered, of a crowd 100,000 objects, for nothing."""

ALL_EVERY = 300
"""So many of them, five minutes, until all is looked through. Answered requests leave nothing to
collect, so that this finds next to nothing; under full load it takes some 200 ms."""


def collect_by_the_clock() -> None:
    """From now on, for as long as the running event loop does. Call once everything is loaded."""
    gc.disable()
    gc.freeze()
    loop = asyncio.get_running_loop()
    turns = count(1)

    def collect() -> None:
        gc.collect(1 if next(turns) % ALL_EVERY else 2)
        loop.call_later(SECONDS, collect)

    collect()
