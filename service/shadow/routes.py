"""The calls about the shadow, which the trainer answers: see, set, end."""

import asyncio
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.http.bodies import json_object
from service.http.errors import ApiError
from service.inference import workers
from service.shadow import assignment
from training.store import tags, versions

_SUCH_AS = '{"version": "ovzhcuxhbobacax4", "share": 1}'


async def show(_: Request) -> Response:
    """GET /shadow: which version, since when, how many workers have it, and why it ended."""
    return JSONResponse(await asyncio.to_thread(_told))


async def cast(request: Request) -> Response:
    """PUT /shadow: have a version answer beside the champion, on a share of the pictures."""
    asked = await json_object(request, such_as=_SUCH_AS)
    if unknown := sorted(set(asked) - {"version", "share"}):
        raise _bad(f"There is no setting {unknown[0]!r}. Send {_SUCH_AS}.")
    version, share = asked.get("version"), asked.get("share", 1)
    if not isinstance(version, str):
        raise _bad(f"'version' is missing. Send {_SUCH_AS}.")
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise _bad("'share' is a number above 0, up to 1: how many of the pictures.")
    tag = tags.to_tag(version)
    await asyncio.to_thread(_order, tag, float(share))
    return JSONResponse(await asyncio.to_thread(_told))


async def end(_: Request) -> Response:
    """DELETE /shadow: have none."""
    await asyncio.to_thread(assignment.clear)
    return Response(status_code=HTTPStatus.NO_CONTENT)


ROUTES = [
    Route("/shadow", show),
    Route("/shadow", cast, methods=["PUT"]),
    Route("/shadow", end, methods=["DELETE"]),
]


def _order(tag: str, share: float) -> None:
    champion = versions.champion()
    try:
        versions.describe(tag)
    except versions.ModelError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, str(error)) from error
    if champion is None:
        sentence = "There is no champion yet, so nothing to compare with. Promote a version first."
        raise ApiError(HTTPStatus.CONFLICT, sentence)
    if tag == champion:
        sentence = "That version is the champion: it answers already. Choose another one."
        raise ApiError(HTTPStatus.CONFLICT, sentence)
    assignment.assign(tag, share)


def _told() -> dict[str, Any]:
    order = assignment.read()
    if order is None:
        return {"version": None, "share": None, "since": None, "workers": 0, "reason": None}
    answering = [tag for _, tag in workers.shadows() if tag == order.tag]
    return {
        "version": tags.version_of(order.tag),
        "share": order.share,
        "since": order.since,
        "workers": 0 if order.ended else len(answering),
        "reason": order.reason,
    }


def _bad(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, message)
