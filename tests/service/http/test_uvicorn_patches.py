"""Connections that come while a worker is busy are let in several at once; an answer is one packet.

Each beside uvicorn by itself: the day that it does the same, nothing is to be done here.
"""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import IO

import pytest

from service.http.uvicorn_patches import AT_ONCE
from tests.support.processes import ROOT

SERVER = """
import asyncio, socket, sys, time, uvicorn
from service.connections import improve_connections

LARGE = b"0123456789" * 1_000_000

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    print(len(server.server_state.connections), flush=True)
    path = scope["path"]
    if path == "/busy":
        time.sleep(1)
    body = LARGE if path == "/large" else b"body"
    headers = [(b"content-length", str(len(body)).encode())]
    if path == "/last":
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if path == "/counted":
        time.sleep(0.2)
    if path == "/streamed":
        await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": body})

if sys.argv[1] == "improved":
    improve_connections()
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
server.run(sockets=[listening])
"""

HEAD_END = b"\r\n\r\n"


@contextmanager
def serving(kind: str) -> Iterator[tuple[Popen[str], IO[str], tuple[str, int]]]:
    """The process, what it prints for each request (its connections), and its address."""
    command = [sys.executable, "-c", SERVER, kind]
    with Popen(command, cwd=ROOT, stdout=PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server, server.stdout, ("127.0.0.1", int(server.stdout.readline()))
        finally:
            server.kill()


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with serving("improved") as (_, _, address):
        yield address


def asking(address: tuple[str, int], *paths: str) -> socket.socket:
    client = socket.create_connection(address, 10)
    client.sendall("".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths).encode())
    return client


def all_of(client: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size and (piece := client.recv(1_000_000)):
        received += piece
    return received


@pytest.mark.parametrize(("kind", "at_once"), [("improved", AT_ONCE), ("uvicorn", 1)])
def test_a_busy_worker_lets_several_in_at_once(kind: str, at_once: int) -> None:
    with serving(kind) as (server, printed, address):
        clients = [asking(address, "/busy")]
        assert int(printed.readline()) == 1
        clients += [asking(address, "/") for _ in range(4 * AT_ONCE)]
        # A request is read in the round after that which let its connection in.
        assert int(printed.readline()) == 1 + 2 * at_once
        for client in clients:
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        server.terminate()
        assert server.wait(10) is not None
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, 1)


@pytest.mark.parametrize(("kind", "is_whole"), [("improved", True), ("uvicorn", False)])
def test_an_answer_leaves_in_one_piece(kind: str, is_whole: bool) -> None:
    """Even if time passes between its head and its body, as long as nothing else is done."""
    with serving(kind) as (_, _, address):
        assert asking(address, "/counted").recv(10_000).endswith(HEAD_END + b"body") == is_whole


def test_a_head_does_not_wait_for_a_body_that_comes_later(address: tuple[str, int]) -> None:
    client = asking(address, "/streamed")

    assert client.recv(10_000).endswith(HEAD_END)
    assert client.recv(10_000) == b"body"


def test_an_answer_that_closes_its_connection_is_whole(address: tuple[str, int]) -> None:
    client = asking(address, "/last")

    assert all_of(client, 10_000).endswith(HEAD_END + b"body")  # until the connection ends


def test_what_is_no_request_is_told_so(address: tuple[str, int]) -> None:
    """In one write, after which the connection is closed."""
    client = socket.create_connection(address, 10)
    client.sendall(b"nonsense\r\n\r\n")

    assert all_of(client, 10_000).startswith(b"HTTP/1.1 400")


def test_answers_keep_their_order_on_a_connection(address: tuple[str, int]) -> None:
    client = asking(address, "/", "/large", "/streamed", "/last")
    answers = all_of(client, 100_000_000).split(b"HTTP/1.1 200 OK")

    assert [len(it.partition(HEAD_END)[2]) for it in answers] == [0, 4, 10_000_000, 4, 4]


def test_a_large_answer_reaches_a_client_that_reads_slowly(address: tuple[str, int]) -> None:
    client = asking(address, "/large")
    time.sleep(0.2)  # the kernel's buffers are full, and most of it waits in the worker
    head, _, body = client.recv(1_000).partition(HEAD_END)

    assert head.startswith(b"HTTP/1.1 200")
    assert body + all_of(client, 10_000_000 - len(body)) == b"0123456789" * 1_000_000
