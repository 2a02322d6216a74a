"""Python's garbage collector, in portions for which nobody waits.

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

YOUNG_SECONDS = 0.05
"""Between collections of what is new."""

SURVIVORS_EVERY = 10
"""So many of them, until those that survived one are looked through as well."""

ALL_EVERY = 6_000
"""So many of them, five minutes, until everything is. Answered requests leave nothing to collect,
so this finds next to nothing; under full load it takes some 100 ms."""


def collect_by_the_clock() -> None:
    """From now on, for as long as the running event loop does. Call once everything is loaded."""
    gc.disable()
    gc.freeze()
    loop = asyncio.get_running_loop()
    turns = count(1)

    def collect() -> None:
        turn = next(turns)
        oldest = 2 if turn % ALL_EVERY == 0 else 1 if turn % SURVIVORS_EVERY == 0 else 0
        gc.collect(oldest)
        loop.call_later(YOUNG_SECONDS, collect)

    collect()
