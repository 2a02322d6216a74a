"""Imports over HTTP: one at a time, beside the other calls, and whatever is sent never a 5xx."""

import io
import random
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
import pytest
import requests
from PIL import Image

from tests.support.archives import declared_smaller, mutated, with_rows, zipped
from tests.support.processes import Home, Server, call, page_token
from tests.support.services.correction_calls import new_picture

CONTENT = {"Content-Type": "application/zip"}
OTHER_CALLS = ("/models", "/runs", "/corrections", "/metrics")
MOST_MB = 1_000


@pytest.fixture(scope="module")
def keeper(own_home: Home) -> Iterator[Server]:
    """A trainer on that folder, without the limit of corrections."""
    server = own_home.serve("trainer", CORRECTIONS_PER_MINUTE="0")
    yield server
    server.stop()


def imported(server: Server, archive: bytes) -> requests.Response:
    return call("POST", server.url, "/corrections/import", data=archive, headers=CONTENT)


def megabytes(server: Server) -> float:
    """Memory of the largest process of a server."""
    processes = psutil.Process(server.process.pid).children(recursive=True)
    return max(process.memory_info().rss for process in processes) / 1e6


def expensive(count: int, side: int = 2_000) -> bytes:
    """An archive of large pictures, all different."""
    files: dict[str, Any] = {}
    for number in range(count):
        file = io.BytesIO()
        pixels = np.full((side, side), 255, np.uint8)
        pixels[100 : 900 + number, 200:1500] = number
        Image.fromarray(pixels).convert("RGB").save(file, "PNG", compress_level=1)
        files[f"{number}.png"] = file.getvalue()
    rows = [f"{name},Bag" for name in files]
    return zipped({**files, "corrections.csv": "\n".join(["file,label", *rows])})


def test_some_rows_are_imported_and_the_answer_names_the_others(keeper: Server) -> None:
    rows = ("a.png,bag", "b.png,Hat", "c.png,Bag", "b.png,Coat")
    answer = imported(keeper, with_rows(*rows))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["added"], found["known"], found["refused"]) == (2, 0, 2)
    assert [it["row"] for it in found["problems"]] == [3, 4]
    assert found["problems"][1]["reason"] == "The archive has no file 'c.png'."


def test_when_no_row_can_be_imported_the_request_is_refused(keeper: Server) -> None:
    answer = imported(keeper, with_rows("b.png,Hat", "c.png,Bag"))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("No row can be imported. Row 2: 'label' is not a")
    assert answer.json()["refused"] == 2


def test_other_calls_answer_while_an_expensive_archive_is_imported(keeper: Server) -> None:
    archive = expensive(60)
    answers: list[requests.Response] = []
    work = threading.Thread(target=lambda: answers.append(imported(keeper, archive)))
    waits = []
    work.start()
    while work.is_alive():
        for path in OTHER_CALLS:
            began = time.monotonic()
            assert requests.get(keeper.url + path, timeout=10).status_code == 200
            waits.append(time.monotonic() - began)
    assert answers[0].json()["added"] == 60
    assert len(waits) >= 4 * len(OTHER_CALLS), "the import was over too soon to tell"
    assert np.percentile(waits, 95) < 1


def slow_upload(server: Server, size: int) -> socket.socket:
    """The beginning of an import whose body does not come."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    head = (
        f"POST /corrections/import HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {size}\r\n"
        f"Authorization: Bearer {page_token(server.url)}\r\nContent-Type: application/zip\r\n\r\n"
    )
    connection.sendall(head.encode() + b"PK")
    return connection


def test_a_second_import_is_asked_to_wait(keeper: Server) -> None:
    with slow_upload(keeper, 1_000):
        time.sleep(0.5)
        answer = imported(keeper, with_rows("a.png,Bag"))
        assert answer.status_code == 503
        assert "Another archive is being imported" in answer.json()["error"]
        assert int(answer.headers["Retry-After"]) > 0
    deadline = time.monotonic() + 10
    while imported(keeper, with_rows("a.png,Bag")).status_code == 503:
        assert time.monotonic() < deadline, "who has gone away holds others up"
        time.sleep(0.1)


def test_many_large_uploads_at_once_stay_within_bounds(keeper: Server) -> None:
    body = with_rows("a.png,Bag") + bytes(30_000_000)
    statuses: list[int] = []

    def upload() -> None:
        statuses.append(imported(keeper, body).status_code)

    threads = [threading.Thread(target=upload) for _ in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert megabytes(keeper) < MOST_MB
        time.sleep(0.05)
    assert len(statuses) == 6
    assert set(statuses) <= {200, 400, 503}


def test_archives_like_bombs_are_refused_soon(keeper: Server) -> None:
    zeros = 300_000_000
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("corrections.csv", "file,label\n" + "b.png,Bag\n" * 5_000)
        archive.writestr("b.png", bytes(zeros), zipfile.ZIP_BZIP2)
    padded = new_picture() + bytes(9_000_000)
    table = "file,label\n" + "b.png,Bag\n" * 50_000
    for body, status in (
        (declared_smaller(file.getvalue(), zeros, 500), 400),
        (zipped({"b.png": padded, "corrections.csv": table}), 200),
    ):
        began = time.monotonic()
        answer = imported(keeper, body)
        assert answer.status_code == status, answer.text[:300]
        assert time.monotonic() - began < 20
        assert megabytes(keeper) < MOST_MB


@pytest.mark.parametrize(
    "compression",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_damaged_archives_are_never_a_failure_of_the_service(
    keeper: Server, compression: int
) -> None:
    table = "file,id,label,created_at,reason\na.png,1,Bag,,=1\nb.png,2.0,coat,2026-11-24,\n"
    pictures = {"a.png": new_picture(), "b.png": new_picture(40)}
    archive = zipped({**pictures, "corrections.csv": table}, compression)
    chance = random.Random(compression)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {page_token(keeper.url)}"
        for number in range(75):
            answer = session.post(
                f"{keeper.url}/corrections/import",
                data=mutated(archive, chance),
                headers=CONTENT,
                timeout=30,
            )
            assert answer.status_code in (200, 400), (number, answer.text)
            assert answer.status_code == 200 or answer.json()["error"]
