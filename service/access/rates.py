"""Limits on what costs: pictures, corrections and runs, for each token or address.

Counted in each process alone: with two workers a caller may send up to twice as many pictures.
"""

import time
from functools import cache
from http import HTTPStatus

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

import settings
from service.access.caller import Caller
from service.access.policy import CORRECTIONS, PICTURES, RUNS
from service.http.errors import ApiError

_SETTINGS: dict[str, tuple[str, type[RateLimitItem], str]] = {
    PICTURES: ("PICTURES_PER_MINUTE", RateLimitItemPerMinute, "minute"),
    CORRECTIONS: ("CORRECTIONS_PER_MINUTE", RateLimitItemPerMinute, "minute"),
    RUNS: ("RUNS_PER_HOUR", RateLimitItemPerHour, "hour"),
}


@cache
def rates() -> "Rates":
    """The counts of this process."""
    return Rates()


class Rates:
    """Counts what callers spend."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._items = {
            kind: item(most)
            for kind, (setting, item, _) in _SETTINGS.items()
            if (most := settings.get_int(setting))
        }

    def spend(self, caller: Caller, kind: str, amount: int = 1) -> None:
        """Count `amount` for a caller. Raises ApiError (429) beyond the limit."""
        item = self._items.get(kind)
        if item is None or caller.limited_as is None:
            return
        # A call that alone exceeds the limit would never be let through: it takes all there is.
        cost = min(amount, item.amount)
        if self._limiter.hit(item, kind, caller.limited_as, cost=cost):
            return
        stats = self._limiter.get_window_stats(item, kind, caller.limited_as)
        seconds = max(1, round(stats.reset_time - time.time()) + 1)
        setting, _, period = _SETTINGS[kind]
        message = (
            f"You have sent as many {kind} as one {period} allows ({item.amount:,}). "
            f"Try again in {seconds} seconds, or ask the operator to raise {setting}."
        )
        headers = {"Retry-After": str(seconds)}
        raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, message, headers=headers)
