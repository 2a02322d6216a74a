"""The HTTP calls of a service, answered in front of BentoML's own routing.

BentoML's `@bentoml.api` is POST only, turns a damaged upload into a 500 and hides its reason. An
ASGI middleware, which BentoML offers publicly, sits behind its metrics, time limit and tracing
and before everything else: our calls are answered there, all others (/metrics, /livez, /) pass.
"""

import json
import logging
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import bentoml
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.errors import ApiError

_log = logging.getLogger(__name__)

ANSWERS_TO_A_CLOSE = 100
"""One answer in so many closes its connection, and the client opens another. All workers listen on
one socket, and of connections that begin together one worker often gets all. One that is opened
anew goes to whoever is idle: so a busy worker hands some over."""


class RoutesMiddleware:
    """ASGI middleware: `routes` first, then `app`. Whatever goes wrong becomes `{"error": …}`.

    A path without parameters is looked up in a table. The router, which tries one pattern after
    the other, sees the rest.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self._router = Router(routes, redirect_slashes=False, default=app)
        self._endpoints = {
            (method, route.path): route.endpoint
            for route in routes
            if not route.param_convertors
            for method in route.methods or ()
        }
        self._answers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._router.default(scope, receive, send)
        endpoint = self._endpoints.get((scope["method"], scope["path"]))
        if endpoint is not None:
            try:
                answer: Response = await endpoint(Request(scope, receive))
            except Exception as error:
                answer = _as_answer(error)
            self._answers += 1
            if self._answers % ANSWERS_TO_A_CLOSE == 0:
                answer.headers["Connection"] = "close"
            return await answer(scope, receive, send)
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._router(scope, receive, watched_send)
        except Exception as error:
            if started:
                raise
            answer = _as_answer(error)
            await answer(scope, receive, send)


class CountedAfterwards(Response):
    """An answer that has left when BentoML counts it, which it does at the last message."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the whole body, and then that this was all."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await send({"type": "http.response.body"})


def mount_routes(service: object, routes: Sequence[Route]) -> None:
    """Let a BentoML service answer `routes` itself."""
    add_middleware(service, RoutesMiddleware, routes=routes)


def add_middleware(service: object, middleware: type, **options: Any) -> None:
    """Put an ASGI middleware behind those that a BentoML service has.

    BentoML's decorator is typed as the bare class.
    """
    cast(bentoml.Service[Any], service).add_asgi_middleware(middleware, **options)


def openapi_routes(document: Path) -> list[Route]:
    """The page at `/` and what it reads: our calls, described by an OpenAPI document.

    BentoML's own page loads Google Tag Manager. Ours shows the same viewer, from the files that
    BentoML serves, and asks nobody else.
    """
    description = json.loads(document.read_text(encoding="utf-8"))

    async def openapi(_: Request) -> Response:
        return JSONResponse(description)

    async def page(_: Request) -> Response:
        return FileResponse(Path(__file__).with_name("api_page.html"))

    return [Route("/docs.json", openapi), Route("/", page)]


def _as_answer(error: Exception) -> Response:
    match error:
        case ApiError():
            body = {"error": error.message, **error.details}
            return JSONResponse(body, error.status, dict(error.headers))
        case HTTPException(status_code=HTTPStatus.METHOD_NOT_ALLOWED):
            sentence = "This address does not know that method. The page at / lists the calls."
            return JSONResponse({"error": sentence}, error.status_code, error.headers)
        case HTTPException():
            return JSONResponse({"error": error.detail}, error.status_code)
        case ClientDisconnect():
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
        case _:
            _log.error("a call failed", exc_info=error)
            sentence = "The service failed at this request; its log says why. Please report it."
            return JSONResponse({"error": sentence}, HTTPStatus.INTERNAL_SERVER_ERROR)
