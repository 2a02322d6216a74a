"""The addresses of a service: their labels in the metrics, and the answer to all others.

BentoML labels its metrics of requests with the raw path. Each new path would cost the service
memory and every later scrape time, until nothing else is done. So the label is the route's template
or, for what has none, `other`: `LabelByEndpoint`, around BentoML's application, gives BentoML the
label as the path, and `OnlyEndpoints`, inside it, puts the path back.
"""

from collections.abc import Iterable
from http import HTTPStatus

import bentoml
from prometheus_client import CollectorRegistry, Counter
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.errors import ApiError
from service.http.middleware import METHOD_NOT_ALLOWED, error_response

OTHER = "other"
"""The label of every address that the service does not have."""

OF_BENTOML = ("/livez", "/healthz", "/readyz", "/metrics", "/schema.json", "/static_content/{file}")
"""Addresses that BentoML answers, with GET and HEAD; `{file}` may have slashes."""

_READING = frozenset({"GET", "HEAD"})

_FIRST_CODES = (200, 400, 413, 415, 429, 500, 503, 504)
"""Codes of calls that begin at 0: Prometheus does not see the first increase of a series that
appears with it."""

_REFUSED = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_LOOPBACK_NAMES = (b"localhost", b"127.0.0.1")
_PATH = "wardrobe.path"
_UNKNOWN = "There is nothing at this address. The page at / lists the calls."


class Endpoints:
    """The addresses of a service by their templates, such as `/runs/{run_id}`.

    BentoML's own are added. `methods` has the methods of each.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        routes = list(routes)
        self.methods: dict[str, frozenset[str]] = dict.fromkeys(OF_BENTOML, _READING)
        for route in routes:
            known = self.methods.get(route.path_format, frozenset())
            self.methods[route.path_format] = known | frozenset(route.methods or ())
        paths = [*(route.path for route in routes), OF_BENTOML[-1].replace("{file}", "{file:path}")]
        compiled = [compile_path(path) for path in paths if "{" in path]
        self._patterns = [(pattern, template) for pattern, template, _ in compiled]

    def label(self, path: str) -> str:
        """Return the template that a path fits, or `other`."""
        if path in self.methods and "{" not in path:
            return path
        if "\n" in path:  # BentoML's mount of an application does not fit it
            return OTHER
        return next((it for pattern, it in self._patterns if pattern.match(path)), OTHER)

    def refusal(self, label: str, method: str) -> Response | None:
        """Build the answer to what the service has not; None for what it has."""
        if label == OTHER:
            return _not_found()
        if method in self.methods[label]:
            return None
        allowed = ", ".join(sorted(self.methods[label]))
        return error_response(
            ApiError(HTTPStatus.METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED, headers={"Allow": allowed})
        )


class LabelByEndpoint:
    """Outermost ASGI application: shows BentoML the label of each request as its path.

    It refuses what the service has not, and counts that as BentoML would. BentoML itself keeps a
    timer of each request for a while, so a scan would cost memory there. Under other names than the
    loopback ones the access control inside answers first.
    """

    def __init__(self, app: ASGIApp, endpoints: Endpoints) -> None:
        self._app = app
        self._endpoints = endpoints
        self._requests = _requests_of_bentoml()
        for label, methods in endpoints.methods.items():
            for code in _FIRST_CODES if methods - _READING else ():
                self._count(label, code, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Replace the path until `OnlyEndpoints` puts it back."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = scope["path"]
        label = self._endpoints.label(path)
        refused = self._endpoints.refusal(label, scope["method"])
        if refused is not None and _is_loopback(scope):
            self._count(label, refused.status_code, 1)
            return await refused(scope, receive, send)
        scope[_PATH] = path
        scope["path"] = label
        await self._app(scope, receive, send)

    def _count(self, label: str, code: int, requests: int) -> None:
        context = bentoml.server_context
        counter = self._requests.labels(
            label, context.bento_name, context.bento_version, code, context.service_name
        )
        if requests:
            counter.inc(requests)


class OnlyEndpoints:
    """ASGI middleware: puts the path back. What BentoML itself refuses is `{"error": …}`."""

    def __init__(self, app: ASGIApp, endpoints: Endpoints) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        label = scope["path"]
        if _PATH in scope:
            scope["path"] = scope.pop(_PATH)
        else:  # another service calls this one within its own process
            label = self._endpoints.label(label)
        if label != OTHER and label not in OF_BENTOML:
            return await self._app(scope, receive, send)
        refused: Response | None = None

        async def send_unless_refused(message: Message) -> None:
            nonlocal refused
            if message.get("status") in _REFUSED:
                refused = self._endpoints.refusal(label, scope["method"]) or _not_found()
            if refused is None:
                await send(message)

        await self._app(scope, receive, send_unless_refused)
        if refused is not None:
            await refused(scope, receive, send)


def _is_loopback(scope: Scope) -> bool:
    """Whether a request names a loopback address as its host."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    name, _, port = host.partition(b":")
    return name.lower() in _LOOPBACK_NAMES and (not port or port.isdigit())


def _not_found() -> Response:
    return error_response(HTTPException(HTTPStatus.NOT_FOUND, _UNKNOWN))


def _requests_of_bentoml() -> Counter:
    """Build a counter with the name and the file of BentoML's own counter of requests.

    Both may set series to 0, and each increases others: BentoML never those of refused requests.
    """
    return Counter(
        "request_total",
        "Total number of runner RPC",
        ("endpoint", "service_name", "service_version", "http_response_code", "runner_name"),
        namespace="bentoml_service",
        registry=CollectorRegistry(),
    )
