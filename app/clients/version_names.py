"""How the page calls a version of the model: by its number, v1, v2 and so on."""

import contextlib
import threading
import time

import settings
from app.clients import trainer
from app.clients.classifier import version_of
from app.clients.http import ServiceError

RETRY_SECONDS = 1.0


class _Numbers:
    """The numbers that one trainer has told. Shared by all visitors: a number never changes."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._next_try = 0.0
        self._lock = threading.Lock()

    def find(self, version: str) -> int | None:
        """Return the number of a version; asks for it, at most once a second, if it is new."""
        if version not in self._known:
            with self._lock:
                if version not in self._known and time.monotonic() >= self._next_try:
                    self._fetch()
        return self._known.get(version)

    def _fetch(self) -> None:
        with contextlib.suppress(ServiceError):
            self._known = trainer.version_numbers()
        self._next_try = time.monotonic() + RETRY_SECONDS


_by_trainer: dict[str, _Numbers] = {}


def version_name(tag: str) -> str:
    """Return the name of a version for people, `v4`. `tag` may be the whole tag or its last part.

    The last part stands in while the trainer is away, and for a version that it does not know.
    """
    version = version_of(tag)
    numbers = _by_trainer.setdefault(settings.get("TRAINER_URL"), _Numbers())
    number = numbers.find(version)
    return version if number is None else f"v{number}"
