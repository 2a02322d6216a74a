"""A buffer in front of the metrics, outside the request path: flushed every 20 ms.

To change a metric is a locked write into a file that all workers share, and a single request needs
fifteen of them. Buffered and flushed together they cost almost nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

FLUSH_SECONDS = 0.02
"""The longest time between an answer and its appearance in the metrics."""

Entry = TypeVar("Entry")


class MetricsBuffer:
    """Buffers entries and passes them, grouped by consumer, to their consumers.

    An entry waits for at most `seconds`. For use in one event loop.
    """

    def __init__(self, seconds: float = FLUSH_SECONDS) -> None:
        self._seconds = seconds
        self._entries: dict[Callable[[list[Any]], None], list[Any]] = {}

    def record(self, consumer: Callable[[list[Entry]], None], entry: Entry) -> None:
        """Add an entry. The next flush calls `consumer` with all of its entries, in order."""
        if not self._entries:
            asyncio.get_running_loop().call_later(self._seconds, self.flush)
        self._entries.setdefault(consumer, []).append(entry)

    def flush(self) -> None:
        """Pass all entries to their consumers now."""
        entries, self._entries = self._entries, {}
        for consumer, of_consumer in entries.items():
            consumer(of_consumer)
