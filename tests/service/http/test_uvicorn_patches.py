"""A busy worker accepts several connections in a round of its loop, and half-closed clients get
their answer.

Each beside uvicorn by itself: once it does the same, the patch can go.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import IO

import pytest
import uvicorn

from service.http.uvicorn_patches import SOCKETS, UVICORN_VERSION, patch_uvicorn
from tests.support.processes import ROOT

SERVER = """
import asyncio, socket, sys, time, uvicorn
from service.http.uvicorn_patches import patch_uvicorn

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    print(len(server.server_state.connections), flush=True)
    if scope["path"] == "/busy":
        time.sleep(1)
    if scope["path"] == "/later":
        await asyncio.sleep(0.05)
    if scope["path"] == "/body":
        print((await receive())["type"], flush=True)
        print((await receive())["type"], flush=True)
    headers = [(b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"body"})

if sys.argv[1] == "patched":
    patch_uvicorn()
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
server.run(sockets=[listening])
"""


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


def connect(address: tuple[str, int], path: str) -> socket.socket:
    client = socket.create_connection(address, 10)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return client


@pytest.mark.parametrize(("kind", "per_round"), [("patched", SOCKETS), ("uvicorn", 1)])
def test_a_busy_worker_accepts_several_connections_in_a_round(kind: str, per_round: int) -> None:
    with serving(kind) as (server, printed, address):
        clients = [connect(address, "/busy")]
        assert int(printed.readline()) == 1
        clients += [connect(address, "/") for _ in range(4 * SOCKETS)]
        # A request is read in the round after that which accepted its connection.
        assert int(printed.readline()) == 1 + 2 * per_round
        for client in clients:
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        server.terminate()
        assert server.wait(10) is not None
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, 1)


@pytest.mark.parametrize(("kind", "is_answered"), [("patched", True), ("uvicorn", False)])
def test_a_half_closed_connection_stays_open_for_its_response(kind: str, is_answered: bool) -> None:
    with serving(kind) as (_, _, address), connect(address, "/later") as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100).startswith(b"HTTP/1.1 200") == is_answered


def test_a_client_that_leaves_in_the_middle_of_its_body_is_noticed() -> None:
    with serving("patched") as (_, printed, address):
        client = socket.create_connection(address, 10)
        client.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        assert int(printed.readline()) == 1
        assert printed.readline() == "http.request\n"
        client.close()
        assert printed.readline() == "http.disconnect\n"


def test_a_client_that_closes_its_sending_side_is_answered(classifier_url: str) -> None:
    """Every one of them: `nc -N`, some proxies and Go programs send FIN after their request."""
    host, port = classifier_url.removeprefix("http://").split(":")
    picture = (ROOT / "docs" / "sneaker.png").read_bytes()
    head = (
        f"POST /classify HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/png\r\n"
        f"Content-Length: {len(picture)}\r\n\r\n"
    )
    for _ in range(60):
        with socket.create_connection((host, int(port)), 10) as client:
            client.sendall(head.encode() + picture)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100_000).startswith(b"HTTP/1.1 200 OK")


def test_the_patch_refuses_another_version_of_uvicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn, "__version__", "0.99.0")
    with pytest.raises(RuntimeError, match=rf"patches uvicorn {UVICORN_VERSION}, and 0\.99\.0"):
        patch_uvicorn()
