"""The calls about corrections, which the trainer answers: keep, look at, change, move.

The store is training/corrections.py. It is asked in threads: a write waits for the disk.
"""

import asyncio
import base64
import io
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from http import HTTPStatus
from itertools import chain
from typing import Any, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from service.http import bodies
from service.http.errors import ApiError, ModelNotReady
from service.inference import decoding
from training.model.png import encode_png
from training.store import corrections, corrections_archive, versions
from training.store.corrections import Correction, CorrectionError, LabelSubmission

_FIELDS = ("label", "predicted", "model", "source")
_DEFAULT_LIMIT, _MAX_LIMIT = 50, 500
_CHANGES = '{"label": "Bag"} or {"state": "accepted"}'
_STATUS = {
    corrections.UnknownCorrection: HTTPStatus.NOT_FOUND,
    corrections.Disputed: HTTPStatus.CONFLICT,
    corrections.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")


async def keep(request: Request) -> Response:
    """POST /corrections: keep what is said of a picture; 200 if it was said before."""
    data, texts = await bodies.one_picture_with_texts(request, _FIELDS)
    correction, is_new = await _asked(_keep, data, texts)
    status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    return JSONResponse({"id": correction.id, "state": correction.state}, status)


def _keep(data: bytes, texts: dict[str, str]) -> tuple[Correction, bool]:
    seen = decoding.decode(decoding.open_picture(data))
    return corrections.add(seen, corrections.parse_submission(texts, _class_names()))


async def show_page(request: Request) -> Response:
    """GET /corrections?state=&label=&after=&limit=: newest first."""
    query = request.query_params
    state, label = query.get("state") or None, query.get("label") or None
    if state is not None and state not in corrections.STATES:
        raise _bad(f"'state' is one of {', '.join(corrections.STATES)}.")
    after = _number(query.get("after") or "0")
    if after is None:
        raise _bad("'after' is the id of the last correction of the page before.")
    limit = _number(query.get("limit") or str(_DEFAULT_LIMIT))
    if limit is None or not 1 <= limit <= _MAX_LIMIT:
        raise _bad(f"'limit' is a whole number from 1 to {_MAX_LIMIT}.")
    # One more than wanted tells whether there is another page.
    rows = await _asked(corrections.page, state=state, label=label, after=after, limit=limit + 1)
    counts = await _asked(corrections.counts, label=label)
    shown = rows[:limit]
    return JSONResponse(
        {
            "corrections": [_told(row) for row in shown],
            "next": shown[-1].id if len(rows) > limit else None,
            "counts": counts,
        }
    )


async def show_image(request: Request) -> Response:
    """GET /corrections/{id}/image: the picture as the network saw it, a PNG."""
    correction = await _asked(corrections.get, _id(request))
    return Response(encode_png(correction.pixels), media_type="image/png")


async def change(request: Request) -> Response:
    """PATCH /corrections/{id}: another label, or accepted as it is."""
    wanted = await bodies.json_object(request, such_as=_CHANGES)
    correction = await _asked(_change, _id(request), wanted)
    return JSONResponse(_told(correction))


def _change(correction_id: int, wanted: dict[str, Any]) -> Correction:
    match wanted:
        case {"label": str(label), **others} if not others:
            return corrections.relabel(correction_id, _claim(label).label)
        case {"state": corrections.ACCEPTED, **others} if not others:
            return corrections.accept(correction_id)
        case _:
            raise _bad(f"Send {_CHANGES}.")


async def remove(request: Request) -> Response:
    """DELETE /corrections/{id}."""
    await _asked(corrections.delete, _id(request))
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def export(_: Request) -> Response:
    """GET /corrections/export: everything, made while it is sent."""
    pieces = corrections_archive.export_archive()
    first = await _asked(next, pieces)  # so that a store that fails is a refusal
    whole: Iterator[bytes] = chain([first], pieces)
    name = {"Content-Disposition": 'attachment; filename="corrections.zip"'}
    return StreamingResponse(whole, media_type="application/zip", headers=name)


async def take_back(request: Request) -> Response:
    """POST /corrections/import: what export gave, all or nothing."""
    archive = await bodies.archive(request)
    added, known = await _asked(
        lambda: corrections_archive.import_archive(io.BytesIO(archive), _class_names())
    )
    return JSONResponse({"added": added, "known": known})


ROUTES = [
    Route("/corrections", keep, methods=["POST"]),
    Route("/corrections", show_page),
    Route("/corrections/export", export),
    Route("/corrections/import", take_back, methods=["POST"]),
    Route("/corrections/{id}/image", show_image),
    Route("/corrections/{id}", change, methods=["PATCH"]),
    Route("/corrections/{id}", remove, methods=["DELETE"]),
]


def how_many_are_usable() -> int:
    """Corrections that a run may learn from or measure with. Raises ApiError, 503."""
    try:
        counts = corrections.counts()
    except CorrectionError as error:
        raise _refusal(error) from error
    return counts[corrections.NEW] + counts[corrections.ACCEPTED]


def _refusal(error: CorrectionError) -> ApiError:
    return ApiError(_STATUS.get(type(error), HTTPStatus.BAD_REQUEST), str(error))


async def _asked(
    function: Callable[_Parameters, _Answer],
    *arguments: _Parameters.args,
    **options: _Parameters.kwargs,
) -> _Answer:
    """What the store answers, from a thread; what it cannot do becomes a ApiError."""
    try:
        return await asyncio.to_thread(function, *arguments, **options)
    except CorrectionError as error:
        raise _refusal(error) from error


def _told(row: Correction) -> dict[str, Any]:
    """A row as JSON. Its picture is in it: BentoML's metrics remember each path asked for, and a
    gallery that asks for one after the other would make them many."""
    png = base64.b64encode(encode_png(row.pixels)).decode("ascii")
    told = {name: value for name, value in vars(row).items() if name != "picture"}
    return {**told, "held_out": row.held_out, "png": png}


def _claim(label: str) -> LabelSubmission:
    return corrections.parse_submission({"label": label}, _class_names())


def _class_names() -> tuple[str, ...]:
    """The classes of the champion. Raises NoModel."""
    tag = versions.champion()
    if tag is None:
        raise ModelNotReady
    try:
        return _class_names_of(tag)
    except versions.ModelError as error:
        raise ModelNotReady(f"The classes are not known: {error}") from error


@lru_cache(maxsize=4)
def _class_names_of(tag: str) -> tuple[str, ...]:
    return tuple(versions.describe(tag).metadata["class_names"])


def _id(request: Request) -> int:
    text = request.path_params["id"]
    number = _number(text)
    if number is None:
        sentence = f"There is no correction {text}. GET /corrections lists them."
        raise ApiError(HTTPStatus.NOT_FOUND, sentence)
    return number


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _bad(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, message)
