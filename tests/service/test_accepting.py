"""Connections that come while a worker is busy are let in several at once."""

import socket
import sys
from contextlib import ExitStack
from subprocess import PIPE, Popen

import pytest

from service.accepting import AT_ONCE
from tests.processes import ROOT

SERVER = """
import socket, sys, time, uvicorn
from service.accepting import accept_several_at_once

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    print(len(server.server_state.connections), flush=True)
    if scope["path"] == "/busy":
        time.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

if sys.argv[1] == "several":
    accept_several_at_once()
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
server.run(sockets=[listening])
"""


@pytest.mark.parametrize(("kind", "at_once"), [("several", AT_ONCE), ("one", 1)])
def test_a_busy_worker_lets_several_in_at_once(kind: str, at_once: int) -> None:
    """And uvicorn by itself lets one in: the day it takes more, nothing is to be done here."""
    command = [sys.executable, "-c", SERVER, kind]
    with Popen(command, cwd=ROOT, stdout=PIPE, text=True) as server, ExitStack() as stopping:
        stopping.callback(server.kill)
        assert server.stdout
        address = ("127.0.0.1", int(server.stdout.readline()))
        clients = [asking(address, "/busy")]
        assert int(server.stdout.readline()) == 1
        clients += [asking(address, "/") for _ in range(4 * AT_ONCE)]
        # A request is read in the round after that which let its connection in.
        assert int(server.stdout.readline()) == 1 + 2 * at_once
        for client in clients:
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        server.terminate()
        assert server.wait(10) is not None
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, 1)


def asking(address: tuple[str, int], path: str) -> socket.socket:
    client = socket.create_connection(address, 10)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    return client
