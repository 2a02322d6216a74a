"""Making a version the champion, and knowing when every worker serves it."""

import asyncio
import contextlib
import time
from http import HTTPStatus
from typing import Any

from service.http.errors import ApiError
from service.inference import workers
from training.store import classes, promotions, versions
from training.store.corrections import StoreUnavailable

_POLL_SECONDS = 0.05
_TIMEOUT_SECONDS = 30

_one_at_a_time = asyncio.Lock()


async def promote(
    tag: str, reason: str | None, actor: str | None
) -> tuple[HTTPStatus, dict[str, Any]]:
    """Make a version the champion and wait until every living worker serves it.

    200 with the seconds it took and the number of workers; 202 when there is no worker to serve
    it, or it takes more than 30 s. Either way the promotion is recorded, with both texts.
    Files are read and locked in threads. Raises ModelError for an unknown version; ApiError, 422
    when a worker cannot load it, and then the old champion is back; 409 when another version was
    promoted meanwhile.
    """
    async with _one_at_a_time:
        began = time.monotonic()
        previous = await asyncio.to_thread(_replace_champion, tag)
        while (outcome := await asyncio.to_thread(_progress, tag, previous, began)) is None:
            await asyncio.sleep(_POLL_SECONDS)
        if previous != tag:
            await asyncio.to_thread(
                promotions.record, tag, previous, promotions.PERSON, reason, actor
            )
            await asyncio.to_thread(_adopt_classes, tag)
        return outcome


def _replace_champion(tag: str) -> str | None:
    """Make `tag` the champion; returns the one before. Waits for a run that is just comparing."""
    versions.describe(tag)
    with versions.choosing_champion() as previous:
        versions.set_champion(tag)
        return previous


def _adopt_classes(tag: str) -> None:
    """List the classes of a version that was trained elsewhere."""
    with contextlib.suppress(StoreUnavailable):  # the version serves without corrections too
        classes.adopt(versions.describe(tag).metadata["class_names"])


def _progress(
    tag: str, previous: str | None, began: float
) -> tuple[HTTPStatus, dict[str, Any]] | None:
    """The answer once there is one, else None. Raises ApiError as `promote` does."""
    living = workers.list_alive()
    seconds = round(time.monotonic() - began, 3)
    answer = {"tag": tag, "previous": previous, "seconds": seconds, "workers": len(living)}
    if versions.champion() != tag:
        raise ApiError(HTTPStatus.CONFLICT, "Another version was promoted meanwhile.")
    if not living:
        detail = "No classifier is running. It will load this version when it starts."
        return HTTPStatus.ACCEPTED, answer | {"detail": detail}
    for worker in living:
        if worker.tried == tag and worker.error is not None:
            versions.set_champion(previous)
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, worker.error)
    if all(worker.tag == tag for worker in living):
        return HTTPStatus.OK, answer
    if seconds > _TIMEOUT_SECONDS:
        detail = "Some workers have not loaded this version yet. GET /model shows which have."
        return HTTPStatus.ACCEPTED, answer | {"detail": detail}
    return None
