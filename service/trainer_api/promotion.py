"""Making a version the champion, and knowing when every worker serves it."""

import asyncio
import time
from http import HTTPStatus
from typing import Any

from service.http.errors import ApiError
from service.inference import workers
from training.store import promotions, versions

_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 30

_one_at_a_time = asyncio.Lock()


async def promote(tag: str, reason: str | None) -> tuple[HTTPStatus, dict[str, Any]]:
    """Make a version the champion and wait until every living worker serves it.

    200 with the seconds it took and the number of workers; 202 when no worker is there to serve
    it, or it takes more than 30 s. The promotion is kept then, with the `reason` that was given.
    Raises ApiError: 404 for an unknown version; 422 when a worker cannot load it, and then the old
    champion is back; 409 when another one took its place.
    """
    async with _one_at_a_time:
        try:
            versions.describe(tag)
        except versions.ModelError as error:
            raise ApiError(HTTPStatus.NOT_FOUND, str(error)) from error
        began = time.monotonic()
        previous = await asyncio.to_thread(_take_the_place, tag)
        status, answer = await _served(tag, previous, began)
        if previous != tag:
            await asyncio.to_thread(promotions.record, tag, previous, promotions.PERSON, reason)
        return status, answer


def _take_the_place(tag: str) -> str | None:
    """Make `tag` the champion; returns the one before. Waits for a run that is just comparing."""
    with versions.choosing_champion() as previous:
        versions.set_champion(tag)
        return previous


async def _served(
    tag: str, previous: str | None, began: float
) -> tuple[HTTPStatus, dict[str, Any]]:
    """Wait until every living worker serves `tag`. Raises ApiError as `promote` does."""
    while True:
        living = workers.list_alive()
        seconds = round(time.monotonic() - began, 3)
        answer = {"tag": tag, "previous": previous, "seconds": seconds, "workers": len(living)}
        if versions.champion() != tag:
            raise ApiError(HTTPStatus.CONFLICT, "Another version was promoted meanwhile.")
        if not living:
            detail = "No classifier runs. It will serve this version as soon as it starts."
            return HTTPStatus.ACCEPTED, answer | {"detail": detail}
        for worker in living:
            if worker.tried == tag and worker.error is not None:
                versions.set_champion(previous)
                raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, worker.error)
        if all(worker.tag == tag for worker in living):
            return HTTPStatus.OK, answer
        if seconds > _PATIENCE_SECONDS:
            detail = "Not every worker serves this version yet. GET /model tells which do."
            return HTTPStatus.ACCEPTED, answer | {"detail": detail}
        await asyncio.sleep(_LOOK_SECONDS)
