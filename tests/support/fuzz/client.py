"""A bounded HTTP client that sends exactly the bytes of a case and waits for one answer."""

import asyncio
import json
import time
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from tests.support.fuzz.cases import LIES, Case

CLIENT_SECONDS = 30
"""After which the client gives an answer up."""


@dataclass(frozen=True)
class Answer:
    """`status` is 0 where there was none; `seconds` are from the connection to the last byte."""

    status: int
    seconds: float
    body: bytes = b""
    is_json: bool = False

    @property
    def sentence(self) -> str | None:
        """The sentence of an error, or None without one."""
        if not self.is_json:
            return None
        try:
            body = json.loads(self.body)
        except ValueError:
            return None
        error = body.get("error") if isinstance(body, dict) else None
        return error if isinstance(error, str) and error else None


async def send(case: Case, url: str, headers: list[tuple[str, str]]) -> Answer:
    """Send a case, with these headers before its own, and return what came back."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    began = time.monotonic()
    writer = None
    try:
        async with asyncio.timeout(CLIENT_SECONDS):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            sending = asyncio.create_task(_write(writer, case, address.netloc, headers))
            try:
                status, answer_headers, body = await _read(reader, case.method)
            finally:
                sending.cancel()
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
        return Answer(0, time.monotonic() - began)
    finally:
        if writer is not None:
            writer.close()
    is_json = answer_headers.get("content-type", "").startswith("application/json")
    return Answer(status, time.monotonic() - began, body, is_json)


async def _write(
    writer: asyncio.StreamWriter, case: Case, host: str, headers: list[tuple[str, str]]
) -> None:
    try:
        writer.write(wire(case, host, headers))
        await writer.drain()
        if case.framing in LIES:
            await asyncio.sleep(0.5)  # then the answer, if any, is on its way
            writer.write_eof()
    except OSError:
        pass  # the answer came first


def wire(case: Case, host: str, headers: list[tuple[str, str]]) -> bytes:
    """The request's bytes."""
    lines = [f"{case.method} {case.target} HTTP/1.1"]
    own = {name for name, _ in case.headers}
    sent = [*(pair for pair in [("Host", host), *headers] if pair[0] not in own), *case.headers]
    body, length = case.body, len(case.body)
    match case.framing:
        case "chunked" | "bad-chunks":
            sent.append(("Transfer-Encoding", "chunked"))
            body = _chunked(case)
        case "too-long":
            sent.append(("Content-Length", str(length + 100)))
        case "too-short":
            sent.append(("Content-Length", str(length // 2)))
        case "length" if length or case.method in ("POST", "PUT", "PATCH"):
            sent.append(("Content-Length", str(length)))
    lines += [f"{name}: {value}" for name, value in sent]
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("utf-8", "surrogatepass") + body


def _chunked(case: Case) -> bytes:
    random, rest = Random(case.index), case.body
    pieces: list[bytes] = []
    while rest:
        size = random.choice((1, 100, 10_000, len(rest)))
        if len(pieces) > 50:
            size = len(rest)
        piece, rest = rest[:size], rest[size:]
        announced = len(piece) + 3 if case.framing == "bad-chunks" else len(piece)
        pieces.append(f"{announced:x}\r\n".encode() + piece + b"\r\n")
    return b"".join([*pieces, b"0\r\n\r\n"])


async def _read(reader: asyncio.StreamReader, method: str) -> tuple[int, dict[str, str], bytes]:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        status = int(first.split(" ")[1])
        if status != 100:
            break
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    if method == "HEAD" or status in (204, 304):
        return status, headers, b""
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int((await reader.readline()).strip() or b"0", 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        return status, headers, body
    if "content-length" in headers:
        return status, headers, await reader.readexactly(int(headers["content-length"]))
    return status, headers, await reader.read()
