"""Limits of connections: how long a client may take to send and to read, and how many there are.

uvicorn waits for ever for a request that arrives byte by byte, and for a client that does not read
its answer. One check per second of all connections of a worker ends those that are too slow. It
costs a request nothing.
"""

import asyncio
import resource
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import Protocol

MAX_CONNECTIONS = 1000
"""Of one worker. Beyond them, the client that has sent its request for longest is cut off."""

MAX_HEAD_BYTES = 64_000
"""Of a request's line and headers together."""

SENDING_SECONDS = 10.0
"""A client has so long for the headers, and for the body. For a long body it has a second more for
each `BYTES_PER_SECOND`."""

BYTES_PER_SECOND = 100_000

READING_SECONDS = 30.0
"""A client that reads nothing of its answer for so long is cut off."""

_CHECK_SECONDS = 1.0
_OPEN_FILES = 4096


class Phase(Enum):
    """What a connection waits for its client to do."""

    HEAD = "send the headers"
    BODY = "send the body"
    READ = "read the answer"


class Connection(Protocol):
    """What is needed of a connection."""

    arrived: int
    """Bytes that have arrived on it."""

    @property
    def phase(self) -> Phase | None:
        """What it waits for; None while the service works, or between two requests."""

    @property
    def request(self) -> object:
        """Identifies the request in progress."""

    @property
    def unread(self) -> int:
        """Bytes of answers that the client has not taken."""

    def cut_off(self, phase: Phase) -> None:
        """End it, because its client is too slow."""


@dataclass(frozen=True)
class _Waiting:
    phase: Phase
    request: object
    unread: int
    since: float
    arrived: int

    def is_too_long(self, now: float, connection: Connection) -> bool:
        match self.phase:
            case Phase.HEAD:
                limit = SENDING_SECONDS
            case Phase.BODY:
                limit = SENDING_SECONDS + (connection.arrived - self.arrived) / BYTES_PER_SECOND
            case Phase.READ:
                limit = READING_SECONDS
        return now - self.since > limit


class Connections:
    """Watches the connections of a worker. For use in one event loop."""

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        self._waiting: dict[Connection, _Waiting] = {}

    def watch(self) -> None:
        """Check all connections now, and every second from now on."""
        asyncio.get_running_loop().call_later(_CHECK_SECONDS, self.watch)
        self.close_slow(monotonic())

    def close_slow(self, now: float) -> None:
        """Cut off who is too slow at the time `now`, in seconds."""
        waiting: dict[Connection, _Waiting] = {}
        for connection in list(self._connections):
            phase = connection.phase
            if phase is None:
                continue
            unread = connection.unread if phase is Phase.READ else 0
            known = self._waiting.get(connection)
            current = (phase, connection.request, unread)
            if known is None or (known.phase, known.request, known.unread) != current:
                known = _Waiting(*current, since=now, arrived=connection.arrived)
            waiting[connection] = known
        self._waiting = waiting
        for connection, it in list(waiting.items()):
            if it.is_too_long(now, connection):
                connection.cut_off(it.phase)

    def make_room(self) -> bool:
        """Cut off a connection if there are too many. Returns False when none can be."""
        if len(self._connections) <= MAX_CONNECTIONS:
            return True
        sending = [
            (it.since, number, connection)
            for number, (connection, it) in enumerate(self._waiting.items())
            if it.phase is not Phase.READ and connection.phase is it.phase
        ]
        if not sending:
            return False
        _, _, longest = min(sending)
        phase = self._waiting.pop(longest).phase
        longest.cut_off(phase)
        return True


def allow_open_files() -> None:
    """Raise this process's limit of open files, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, _OPEN_FILES), hard))
