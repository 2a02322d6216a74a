"""The addresses of a service: their labels in the metrics, and the answer to all others.

BentoML labels its metrics of requests with the raw path. Each new path would cost the service
memory and every later scrape time, until nothing else is done. So the label is the route's template
or, for what has none, `other`: `LabelByEndpoint`, around BentoML's application, gives BentoML the
label as the path, and `OnlyEndpoints`, inside it, puts the path back.
"""

from collections.abc import Iterable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.errors import ApiError
from service.http.middleware import METHOD_NOT_ALLOWED, error_response

OTHER = "other"
"""The label of every address that the service does not have."""

OF_BENTOML = ("/livez", "/healthz", "/readyz", "/metrics", "/schema.json", "/static_content/{file}")
"""Addresses that BentoML answers, with GET and HEAD; `{file}` may have slashes."""

_PATH = "wardrobe.path"
_READING = ("GET", "HEAD")
_UNKNOWN = "There is nothing at this address. The page at / lists the calls."


class Endpoints:
    """The templates of a service's addresses, such as `/runs/{run_id}`, BentoML's own included."""

    def __init__(self, templates: Iterable[str]) -> None:
        every = dict.fromkeys((*templates, *OF_BENTOML))
        self._plain = {template: template for template in every if "{" not in template}
        self._patterns = [
            (compile_path(template.replace("{file}", "{file:path}"))[0], template)
            for template in every
            if "{" in template
        ]

    def label(self, path: str) -> str:
        """Return the template that a path fits, or `other`."""
        if label := self._plain.get(path):
            return label
        return next((it for pattern, it in self._patterns if pattern.match(path)), OTHER)


class LabelByEndpoint:
    """Outermost ASGI application: shows BentoML the label of each request as its path."""

    def __init__(self, app: ASGIApp, endpoints: Endpoints) -> None:
        self._app = app
        self._label = endpoints.label

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Replace the path until `OnlyEndpoints` puts it back."""
        if scope["type"] == "http":
            scope[_PATH] = scope["path"]
            scope["path"] = self._label(scope["path"])
        await self._app(scope, receive, send)


class OnlyEndpoints:
    """ASGI middleware: puts the path back, and answers 404 for an address that nobody has.

    Whatever BentoML refuses at its own addresses becomes `{"error": …}`, as everywhere else.
    """

    def __init__(self, app: ASGIApp, endpoints: Endpoints) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        label = scope["path"]
        if _PATH in scope:
            scope["path"] = scope.pop(_PATH)
        else:  # another service calls this one within its own process
            label = self._endpoints.label(label)
        if label == OTHER:
            return await _not_found()(scope, receive, send)
        if label in OF_BENTOML:
            return await self._bentoml(scope, receive, send)
        await self._app(scope, receive, send)

    async def _bentoml(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in _READING:
            refused = ApiError(
                HTTPStatus.METHOD_NOT_ALLOWED,
                METHOD_NOT_ALLOWED,
                headers={"Allow": ", ".join(_READING)},
            )
            return await error_response(refused)(scope, receive, send)
        missing = False

        async def send_unless_missing(message: Message) -> None:
            nonlocal missing
            missing = missing or message.get("status") == HTTPStatus.NOT_FOUND
            if not missing:
                await send(message)

        await self._app(scope, receive, send_unless_missing)
        if missing:
            await _not_found()(scope, receive, send)


def _not_found() -> Response:
    return error_response(HTTPException(HTTPStatus.NOT_FOUND, _UNKNOWN))
