"""One import of an archive at a time, in a thread of its own: the other calls go on meanwhile.

An archive may have 100 MB. What one import holds is bounded, and what several would hold is not.
"""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from starlette.requests import Request

from service.decoding import pictures
from service.http import bodies, limits
from service.http.errors import ApiError
from training.model.preprocess import Grey
from training.store import corrections_archive
from training.store.corrections import CorrectionError
from training.store.corrections_archive import ImportReport

_CALL_SECONDS = 55
"""From the first byte of the upload to the answer. The trainer ends a call after 60."""

_RETRY_SECONDS = 5

_is_importing = threading.Lock()
_thread = ThreadPoolExecutor(1, "import")


async def import_archive(request: Request, actor: str | None) -> ImportReport:
    """Import the archive in a request's body, as given by `actor`.

    Raises ApiError: 503 while another import goes on, 413 when the body is too large, 400 when no
    row can be imported. Raises CorrectionError too.
    """
    began = time.monotonic()
    if not _is_importing.acquire(blocking=False):
        await bodies.discard(request)
        raise ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Another archive is being imported. Try again in a few seconds.",
            headers={"Retry-After": str(_RETRY_SECONDS)},
        )
    try:
        content = await bodies.archive(request)
    except BaseException:
        _is_importing.release()
        raise
    # The thread releases it: a call that is ended by its time limit leaves the thread at work.
    work = _thread.submit(_import, content, actor, began + _CALL_SECONDS)
    work.add_done_callback(lambda _: _is_importing.release())
    report = await asyncio.wrap_future(work)
    if report.refused and not report.added + report.known:
        first = report.problems[0]
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            f"No row can be imported. Row {first.row}: {first.reason}",
            details={"refused": report.refused, "problems": [vars(it) for it in report.problems]},
        )
    return report


def _import(content: bytes, actor: str | None, deadline: float) -> ImportReport:
    return corrections_archive.import_archive(
        content,
        _decode,
        actor=actor,
        max_picture_bytes=limits.picture_bytes(),
        max_seconds=min(corrections_archive.MAX_SECONDS, deadline - time.monotonic()),
    )


def _decode(data: bytes) -> Grey:
    try:
        return pictures.decode_now(data, keeps_model_input=True)
    except ApiError as error:
        raise CorrectionError(error.message) from error
