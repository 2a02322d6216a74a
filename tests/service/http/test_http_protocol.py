"""Clients that are odd, slow or hostile: what they get, and what a good client notices of them."""

import contextlib
import gzip
import json
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field

import pytest
import requests

from service.http import connections
from service.http.connections import Connections, Phase
from tests.support.pictures import encoded, shoe
from tests.support.processes import ROOT, call, page_token

OFFER = (
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
)
OFFERS = {
    "h2c": OFFER,
    "websocket": "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "unknown": "Connection: keep-alive, Upgrade\r\nUpgrade: TLS/1.0\r\n",
}
CHUNKED = b"POST /runs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"


def token(url: str) -> str:
    """The header with the operator's token."""
    return f"Authorization: Bearer {page_token(url)}\r\n"


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), 30)


def exchange(url: str, *pieces: bytes) -> tuple[int, dict[str, object]]:
    """Send the pieces of a request, a moment apart; return the status and the answer's JSON."""
    with connect(url) as client:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(0.02)
        with client.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            length = 0
            while (line := answer.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            return status, json.loads(answer.read(length))


def request(path: str, headers: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("cut", [0, 30, -20, -1])
def test_the_body_behind_an_offer_is_read(
    classifier_url: str, trainer_url: str, offer: str, cut: int
) -> None:
    whole = request("/classify", f"Content-Type: image/png\r\n{OFFERS[offer]}", encoded(shoe()))
    status, answer = exchange(classifier_url, whole[:cut], whole[cut:])
    assert (status, "label" in answer) == (200, True)
    whole = request("/runs", token(trainer_url) + OFFERS[offer], b'{"recipe": "nope"}')
    status, answer = exchange(trainer_url, whole[:cut], whole[cut:])
    assert status == 400
    assert "standard" in str(answer["error"])


def test_a_chunked_body_behind_an_offer_is_read(trainer_url: str) -> None:
    head = CHUNKED + token(trainer_url).encode() + OFFER.encode() + b"\r\n"
    status, answer = exchange(trainer_url, head + b'12\r\n{"recipe": "nope"}\r\n0\r\n\r\n')
    assert status == 400
    assert "standard" in str(answer["error"])


def test_the_connection_of_an_offer_goes_on(classifier_url: str) -> None:
    with connect(classifier_url) as client:
        for _ in range(2):
            client.sendall(f"GET /livez HTTP/1.1\r\nHost: localhost\r\n{OFFER}\r\n".encode())
            answer = b""
            while not answer.endswith(b"\r\n\r\n\n"):  # the body is an empty line
                answer += client.recv(10_000)
            assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_curl_http2(classifier_url: str) -> None:
    command = ["curl", "-s", "--http2", f"{classifier_url}/classify", "-F"]
    sent = subprocess.run(
        [*command, f"image=@{ROOT / 'docs' / 'sneaker.png'}"], capture_output=True, check=True
    )
    assert json.loads(sent.stdout)["label"] == "Sneaker"


def test_no_call_acts_on_defaults_when_a_body_was_announced(trainer_url: str) -> None:
    head = CHUNKED + token(trainer_url).encode() + b"\r\n"
    before = requests.get(f"{trainer_url}/runs", timeout=10).json()
    status, answer = exchange(trainer_url, head + b"0\r\n\r\n")
    assert status == 400
    assert "body is empty" in str(answer["error"])
    assert requests.get(f"{trainer_url}/runs", timeout=10).json() == before


@pytest.mark.parametrize("path", ["/classify", "/classify_many", "/preview"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "x-unknown"])
def test_a_compressed_picture_is_refused_by_name(
    classifier_url: str, path: str, encoding: str
) -> None:
    kind = "application/x-npy" if path == "/classify_many" else "image/png"
    headers = {"Content-Type": kind, "Content-Encoding": encoding}
    body = gzip.compress(encoded(shoe()))
    answer = requests.post(classifier_url + path, data=body, headers=headers, timeout=10)
    assert answer.status_code == 415
    assert f"Content-Encoding '{encoding}'" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/runs", "application/json"),
        ("/corrections", "multipart/form-data; boundary=a"),
        ("/corrections/import", "application/zip"),
        ("/corrections/import", "multipart/form-data; boundary=a"),
        ("/shadow", "application/json"),
        ("/models/1/promote", "application/json"),
    ],
)
def test_the_trainer_refuses_a_compressed_body(trainer_url: str, path: str, kind: str) -> None:
    headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
    method = "PUT" if path == "/shadow" else "POST"
    body = gzip.compress(b"{}")
    answer = call(method, trainer_url, path, data=body, headers=headers)
    assert answer.status_code == 415
    assert "Content-Encoding" in answer.json()["error"]


def test_a_part_of_an_image_type_without_a_file_name_is_a_file(classifier_url: str) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="image"\r\nContent-Type: image/png\r\n\r\n'
    body = head + encoded(shoe()) + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = requests.post(f"{classifier_url}/classify", data=body, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text


def test_headers_without_end_are_refused(classifier_url: str) -> None:
    endless = b"x" * (connections.MAX_HEAD_BYTES + 1000)
    status, answer = exchange(classifier_url, b"GET / HTTP/1.1\r\nHost: a\r\nX: ", endless)
    assert status == 431
    assert answer["error"]


def test_slow_clients_are_cut_off_and_a_good_one_notices_nothing(classifier_url: str) -> None:
    """Headers and bodies that trickle, and bodies that stop: told in words after their time."""
    body = request("/classify", "Content-Type: image/png\r\n", bytes(9999))[:-9000]
    starts = (b"GET /livez HTTP/1.1\r\n", body)
    clients = [connect(classifier_url) for _ in range(60)]
    for number, client in enumerate(clients):
        client.sendall(starts[number % 2])
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(1):
            for client in clients:
                with contextlib.suppress(OSError):  # it has been cut off
                    client.sendall(b"x")

    sending = threading.Thread(target=trickle)
    sending.start()
    try:
        slowest = 0.0
        with requests.Session() as session:
            for _ in range(50):
                began = time.monotonic()
                headers = {"Content-Type": "image/png"}
                url = f"{classifier_url}/classify"
                assert session.post(url, data=encoded(shoe()), headers=headers, timeout=10).ok
                slowest = max(slowest, time.monotonic() - began)
        assert slowest < 2
        for client in clients:
            client.settimeout(connections.SENDING_SECONDS + 10)
            answer = client.recv(10_000)
            assert answer.startswith(b"HTTP/1.1 408"), answer
            assert b"too slowly" in answer
    finally:
        stop.set()
        sending.join()
        for client in clients:
            client.close()


@dataclass(eq=False)
class Scripted:
    """A connection in a phase, for the rules of time."""

    phase: Phase | None
    request: object = None
    unread: int = 0
    arrived: int = 0
    ended: list[Phase] = field(default_factory=list)

    def cut_off(self, phase: Phase) -> None:
        self.ended.append(phase)


def ended_after(connection: Scripted, seconds: int, per_second: int = 0) -> bool:
    watched = Connections([connection])
    for now in range(seconds):
        watched.close_slow(now)
        connection.arrived += per_second
    return bool(connection.ended)


def test_the_rules_of_time() -> None:
    assert ended_after(Scripted(Phase.HEAD), 12)
    assert not ended_after(Scripted(Phase.HEAD), 10)
    assert not ended_after(Scripted(None), 1000)
    assert ended_after(Scripted(Phase.BODY), 20, per_second=1000)
    assert not ended_after(Scripted(Phase.BODY), 1000, per_second=110_000)
    assert not ended_after(Scripted(Phase.READ), 30)
    assert ended_after(Scripted(Phase.READ), 33)


def test_there_is_room_for_a_new_connection_when_an_old_one_sends_for_long() -> None:
    old, busy = Scripted(Phase.HEAD), Scripted(None)
    everyone = [busy] * connections.MAX_CONNECTIONS
    watched = Connections(everyone)
    assert watched.make_room()
    everyone.append(old)
    watched.close_slow(0)
    assert watched.make_room()
    assert old.ended == [Phase.HEAD]
    old.phase = None
    assert not watched.make_room()
