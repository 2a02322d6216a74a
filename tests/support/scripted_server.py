"""A real local HTTP server with responses that a test scripts."""

import contextlib
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = tuple[str, str, bytes]
"""Method, path with query, body."""

Answer = tuple[int, str, bytes]
"""Code, media type, body."""


def json_answer(body: Any, code: int = 200) -> Answer:
    return code, "application/json", json.dumps(body).encode()


class ScriptedServer(ThreadingHTTPServer):
    """Answers each request with `answer(request)`, and records the requests in `seen`.

    `authorizations` has the path and the Authorization header of each.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[Request] = []
        self.authorizations: list[tuple[str, str | None]] = []
        self.answer: Callable[[Request], Answer] = lambda _: json_answer({})
        self.hang_up_after_each = False
        self.hang_ups_before_an_answer = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = (self.command, self.path, body)
        self.server.seen.append(request)
        self.server.authorizations.append((self.path, self.headers["Authorization"]))
        if self.server.hang_ups_before_an_answer:
            self.server.hang_ups_before_an_answer -= 1
            self.close_connection = True
            return
        code, media_type, answer = self.server.answer(request)
        self.send_response(code)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # the client has given up
            self.wfile.write(answer)
        # Without "Connection: close", as a server does when its keep-alive timeout ends.
        self.close_connection = self.server.hang_up_after_each

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass
