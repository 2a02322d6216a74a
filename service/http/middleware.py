"""Routes that a service answers before BentoML's own routing.

BentoML offers ASGI middleware publicly. Ours runs behind BentoML's metrics, time limit and tracing,
and before its routing. It answers our routes; all other addresses (/metrics, /livez, /schema.json)
pass. BentoML's `@bentoml.api` answers POST only, writes each file of a form to disk and makes a 500
of a damaged upload; what it does for each request takes longer than the network.
"""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

import bentoml
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.errors import ApiError, InternalCall, endpoint_errors
from service.http.json_answers import RobustJson

_log = logging.getLogger(__name__)

RESPONSES_PER_CLOSE = 100
"""One response in so many closes its connection, and the client opens another. All workers listen
on one socket, and one worker often accepts all of several connections that are opened together. A
new connection goes to an idle worker, so a busy worker gives some away."""


METHOD_NOT_ALLOWED = "This address does not accept that method. The page at / lists the calls."
_PICKLE_REFUSED = "Pickled requests are refused. Send the picture itself, or a form with it."


class RoutesMiddleware:
    """ASGI middleware: `routes` first, then `app`. Every error becomes `{"error": …}`.

    A path without parameters is looked up in a table. The router, which tries one pattern after
    the other, gets the rest.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self._app = app
        self._router = Router(routes, redirect_slashes=False, default=app)
        self._endpoints = {
            (method, route.path): route.endpoint
            for route in routes
            if not route.param_convertors
            for method in route.methods or ()
        }
        self._responses = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        endpoint = self._endpoints.get((scope["method"], scope["path"]))
        if endpoint is None:
            return await self._route(scope, receive, send)
        try:
            response: Response = await endpoint(Request(scope, receive))
        except InternalCall:
            if not _is_entry():
                return await self._pass_to_bentoml(scope, receive, send)
            response = error_response(ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _PICKLE_REFUSED))
        except Exception as error:
            response = error_response(error)
        self._responses += 1
        if self._responses % RESPONSES_PER_CLOSE == 0:
            response.headers["Connection"] = "close"
        await response(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
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
            await error_response(error)(scope, receive, send)

    async def _pass_to_bentoml(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let BentoML's endpoint answer, but answer its ApiError here."""
        errors: list[ApiError] = []

        async def send_without_error(message: Message) -> None:
            if not errors:
                await send(message)

        token = endpoint_errors.set(errors)
        try:
            await self._app(scope, receive, send_without_error)
        finally:
            endpoint_errors.reset(token)
        if errors:
            await error_response(errors[0])(scope, receive, send)


class SentBeforeMetrics(Response):
    """A response that is sent before BentoML's metrics count it: they do at the last message."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the whole body in the message before the last."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await send({"type": "http.response.body"})


def _is_entry() -> bool:
    """Whether this process serves the port that everybody reaches.

    BentoML refuses internal calls there too, but writes a traceback for each into the log.
    """
    return bentoml.server_context.service_type == "entry_service"


def mount_routes(service: object, routes: Sequence[Route]) -> None:
    """Let a BentoML service answer `routes` before its own."""
    add_middleware(service, RoutesMiddleware, routes=routes)


def add_middleware(service: object, middleware: type, **options: Any) -> None:
    """Add an ASGI middleware to a BentoML service, behind those that it has.

    BentoML's decorator is typed as the bare class.
    """
    cast(bentoml.Service[Any], service).add_asgi_middleware(middleware, **options)


def error_response(error: Exception) -> Response:
    """Turn what an endpoint raised into `{"error": message}` and its status code."""
    match error:
        case ApiError():
            body = {"error": error.message, **error.details}
            return RobustJson(body, error.status, dict(error.headers))
        case HTTPException(status_code=HTTPStatus.METHOD_NOT_ALLOWED):
            return RobustJson({"error": METHOD_NOT_ALLOWED}, error.status_code, error.headers)
        case HTTPException():
            return RobustJson({"error": error.detail}, error.status_code)
        case ClientDisconnect():
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
        case _:
            _log.error("a call failed", exc_info=error)
            message = "The service failed at this request. Its log says why. Please report it."
            return RobustJson({"error": message}, HTTPStatus.INTERNAL_SERVER_ERROR)
