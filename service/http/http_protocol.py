"""uvicorn's HTTP protocol, with what it lacks for clients that are odd, slow or hostile.

*A client that closes its sending side is answered.* It sends FIN after its request, as HTTP allows.
uvicorn lets the connection close then, and a response that is ready a round of the loop later is
lost. Ours waits for a batch, so nearly every one was.

*An offer to change to another protocol is ignored, as HTTP allows, and its body is read.* Java's
HttpClient and `curl --http2` offer HTTP/2 (`Upgrade: h2c`) with each first request. httptools ends
parsing there, and uvicorn then answers the request as if it had no body.

*What uvicorn answers by itself is JSON*, like every other error.

*Slow clients are cut off*; service/http/connections.py says when.
"""

import asyncio
import sys
from http import HTTPStatus
from typing import Any

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.http.connections import MAX_HEAD_BYTES, Connections, Phase
from service.http.middleware import METHOD_NOT_ALLOWED

_OFFER_HEADERS = (b"upgrade", b"http2-settings")
_TOO_SLOW = "The request arrived too slowly, so it was cut off. Send it again."
_TOO_LONG = "The headers of the request are too long."
_NO_ROOM = "There are too many connections. Try again in a moment."
_BROKEN = "The request is not valid HTTP."


class WardrobeProtocol(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arrived = 0
        self._piece = b""
        self._head_began: int | None = None  # `arrived` at the beginning of the request
        self._offer_ignored = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """uvicorn's hook: refuse a connection for which there is no room."""
        super().connection_made(transport)
        watched: Connections = self.server_state.watched  # type: ignore[attr-defined]
        if not watched.make_room():
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, _NO_ROOM, b"retry-after: 2\r\n")

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep writing possible while a whole request waits for its response."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """uvicorn's hook: the next piece of requests."""
        self._piece = data
        self.arrived += len(data)
        super().data_received(data)
        if self._head_began is not None and self.arrived - self._head_began > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LONG)

    def on_message_begin(self) -> None:
        """httptools's hook: a request begins."""
        self._head_began = self.arrived - len(self._piece)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """httptools's hook: the headers are complete. An offer is read again without itself."""
        self._head_began = None
        self._offer_ignored = self.parser.should_upgrade() and self._method != b"CONNECT"
        if not self._offer_ignored:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """httptools's hook: the request is complete."""
        if not self._offer_ignored:
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """uvicorn's hook: parsing has ended at an offer. Read the request again without it."""
        offer = sys.exception()
        assert isinstance(offer, httptools.HttpParserUpgrade)  # noqa: S101
        if self._method == b"CONNECT":
            return self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED)
        rest = self._piece[offer.args[0] :]
        version = self.parser.get_http_version().encode()
        head = [self._method, b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, value in self.headers:
            if name in _OFFER_HEADERS:
                continue
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                value = b", ".join(it for it in tokens if it.lower() not in _OFFER_HEADERS)
            head += [name, b": ", value, b"\r\n"]
        self.parser = httptools.HttpRequestParser(self)
        self.arrived -= len(rest)
        self.data_received(b"".join([*head, b"\r\n", rest]))

    @property
    def _method(self) -> bytes:
        return bytes(self.parser.get_method())

    def send_400_response(self, msg: str) -> None:
        """uvicorn's hook: answer what is no valid request."""
        if isinstance(sys.exception(), httptools.HttpParserInvalidMethodError):
            return self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED)
        self._refuse(HTTPStatus.BAD_REQUEST, _BROKEN)

    @property
    def phase(self) -> Phase | None:
        """What this connection waits for its client to do."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return None if self.timeout_keep_alive_task else Phase.HEAD
        if self.flow.write_paused:
            return Phase.READ
        return Phase.BODY if cycle.more_body and not self.flow.read_paused else None

    @property
    def request(self) -> object:
        """The request in progress."""
        return self.cycle

    @property
    def unread(self) -> int:
        """Bytes of answers that the client has not taken."""
        return self.transport.get_write_buffer_size()

    def cut_off(self, phase: Phase) -> None:
        """End the connection, because its client is too slow."""
        answered = self.cycle is not None and self.cycle.response_started
        if phase is Phase.READ:
            self.transport.abort()
        elif not self.arrived or (phase is Phase.BODY and answered):
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW)

    def _refuse(self, status: HTTPStatus, message: str, header: bytes = b"") -> None:
        """Answer for the service, and end the connection."""
        if self.transport.is_closing():
            return
        content = orjson.dumps({"error": message})
        answer = [STATUS_LINE[status], header]
        for name, value in self.server_state.default_headers:
            answer += [name, b": ", value, b"\r\n"]
        answer += [
            b"content-type: application/json\r\nconnection: close\r\n",
            b"content-length: %d\r\n\r\n" % len(content),
            content,
        ]
        self.transport.write(b"".join(answer))
        self.transport.close()
