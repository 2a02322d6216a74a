"""Starts Prometheus behind a gate that checks who asks: Prometheus itself answers any Host.

    python -m launcher.prometheus_gate PORT prometheus --config.file=…

A website could make a browser on this machine read the metrics, by a name of its own that leads to
127.0.0.1 (DNS rebinding). The gate listens on PORT of 127.0.0.1, answers only names of the loopback
address, refuses what other websites ask, and passes on queries and Prometheus's own pages.
Prometheus listens on a port that is free at the moment and stands nowhere. Both end together.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.web import Application, RequestHandler

import settings
from launcher.ports import is_taken

_QUERIES = ("query", "query_range", "query_exemplars", "series", "labels", "format_query")
"""Calls under /api/v1/ that only read, and take POST too."""

_SECURITY_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOT_PASSED_ON = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
_QUERY_SECONDS = 130.0
"""A little longer than Prometheus's own limit."""


class RefusedError(Exception):
    """A request that is not passed on: its status and a sentence."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def check(method: str, path: str, headers: Mapping[str, str]) -> None:
    """Raise RefusedError for a request that must not reach Prometheus."""
    host = headers.get("Host", "")
    if urlsplit(f"//{host}").hostname not in settings.LOOPBACK_NAMES:
        raise RefusedError(
            HTTPStatus.MISDIRECTED_REQUEST,
            "Prometheus answers only on this machine, as localhost or 127.0.0.1.",
        )
    origin = headers.get("Origin")
    is_visit = method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate"
    is_foreign = headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if (origin is not None and origin != f"http://{host}") or (is_foreign and not is_visit):
        raise RefusedError(HTTPStatus.FORBIDDEN, "Other websites may not ask Prometheus.")
    is_query = path.removeprefix("/api/v1/") in _QUERIES
    if method not in ("GET", "HEAD") and not (method == "POST" and is_query):
        raise RefusedError(
            HTTPStatus.METHOD_NOT_ALLOWED, "Send GET, or POST for a query of /api/v1/."
        )


class Gate(RequestHandler):
    """Passes a request on to Prometheus, or refuses it."""

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")

    def initialize(self, port: int) -> None:
        """Tornado's hook: `port` is Prometheus's."""
        self._url = f"http://127.0.0.1:{port}"

    async def _pass_on(self) -> None:
        asked = self.request
        assert asked.method is not None  # noqa: S101
        check(asked.method, asked.path, asked.headers)
        names = ("Accept", "Accept-Encoding", "Content-Type")
        response = await AsyncHTTPClient().fetch(
            HTTPRequest(
                self._url + (asked.uri or "/"),
                method=asked.method,
                headers={name: asked.headers[name] for name in names if name in asked.headers},
                body=asked.body if asked.method == "POST" else None,
                request_timeout=_QUERY_SECONDS,
                follow_redirects=False,
                decompress_response=False,
            ),
            raise_error=False,
        )
        if response.code == 599:  # Tornado's own: nothing has answered
            raise RefusedError(
                HTTPStatus.BAD_GATEWAY, "Prometheus does not answer. Try again soon."
            )
        self.set_status(response.code)
        self.clear_header("Content-Type")
        for name, value in response.headers.get_all():
            lower = name.lower()
            if lower not in _NOT_PASSED_ON and not lower.startswith("access-control-"):
                self.add_header(name, value)
        self.write(response.body or b"")

    get = head = post = put = delete = patch = options = _pass_on

    def set_default_headers(self) -> None:
        """Tornado's hook: headers of every answer."""
        self.clear_header("Server")
        for name, value in _SECURITY_HEADERS.items():
            self.set_header(name, value)

    def write_error(self, status_code: int, **kwargs: object) -> None:
        """Tornado's hook: the answer to what has been raised."""
        match kwargs.get("exc_info"):
            case (_, RefusedError() as refused, _):
                self.set_status(refused.status)
                self.finish({"error": str(refused)})
            case _:
                self.finish({"error": "The gate of Prometheus failed. Its log says why."})

    def log_exception(self, typ: object, value: object, tb: object) -> None:
        """Tornado's hook: what is refused is no failure."""
        if not isinstance(value, RefusedError):
            super().log_exception(typ, value, tb)  # type: ignore[arg-type]


async def serve(port: int, command: list[str]) -> int:
    """Run Prometheus and its gate until one of them ends. Returns the exit code."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        private: int = free.getsockname()[1]
    prometheus = await asyncio.create_subprocess_exec(
        *command, f"--web.listen-address=127.0.0.1:{private}", "--web.cors.origin=none"
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, prometheus.terminate)
    ended = loop.create_task(prometheus.wait())
    while not ended.done() and not is_taken(private):
        await asyncio.sleep(0.05)
    if not ended.done():
        AsyncHTTPClient.configure(None, max_clients=100)
        gate = Application([(r"/.*", Gate, {"port": private})], log_function=lambda _: None)
        gate.listen(port, address="127.0.0.1")
    return await ended


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(int(sys.argv[1]), sys.argv[2:])))
