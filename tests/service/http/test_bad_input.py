"""Whatever is sent, the answer is a sentence or right, never a 5xx, and the worker lives."""

import io
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from tests.support.pictures import BAD, ODD, encoded, shoe


def post(url: str, **request: Any) -> requests.Response:
    return requests.post(url, timeout=30, **request)


@pytest.fixture(autouse=True)
def workers_live(classifier_url: str) -> Any:
    """No worker dies of what it is sent."""
    before = requests.get(f"{classifier_url}/model", timeout=10).json()["workers"]
    yield
    assert requests.get(f"{classifier_url}/model", timeout=10).json()["workers"] == before


@pytest.mark.parametrize("body", ["raw", "multipart"])
@pytest.mark.parametrize("name", BAD)
def test_refused_with_a_sentence(classifier_url: str, name: str, body: str) -> None:
    data, status, words = BAD[name]
    for call in ("classify", "preview"):
        if body == "raw":
            headers = {"Content-Type": "image/png"}
            answer = post(f"{classifier_url}/{call}", data=data, headers=headers)
        else:
            answer = post(f"{classifier_url}/{call}", files={"image": ("it.png", data)})
        assert answer.status_code == status, answer.text
        assert words in answer.json()["error"]


@pytest.mark.parametrize("name", ODD)
def test_answered(classifier_url: str, name: str) -> None:
    answer = post(f"{classifier_url}/classify", files={"image": ODD[name]})
    assert answer.status_code == 200, answer.text
    assert sum(answer.json()["probabilities"].values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ODD)
def test_the_same_shoe_is_the_same_however_it_is_stored(classifier_url: str, name: str) -> None:
    is_lossy = "JPEG" in name or "dithered" in name
    if not is_lossy:  # a drawn shoe is on the edge of classes, and these change its pixels
        plain = post(f"{classifier_url}/classify", files={"image": encoded(shoe())}).json()
        stored = post(f"{classifier_url}/classify", files={"image": ODD[name]}).json()
        assert stored["label"] == plain["label"]
    seen, expected = (
        np.asarray(Image.open(io.BytesIO(preview)), dtype=np.float64)
        for preview in (
            post(f"{classifier_url}/preview", files={"image": data}).content
            for data in (ODD[name], encoded(shoe()))
        )
    )
    # In grey levels, of what the network sees. A mirrored shoe would be 30 away.
    assert np.abs(seen - expected).mean() < 8


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        pytest.param({"files": {"picture": b"x"}}, 400, "'image'", id="wrong field name"),
        pytest.param({"data": {"image": "x"}}, 415, "multipart/form-data", id="urlencoded"),
        pytest.param({"json": {"image": "x"}}, 415, "application/json", id="JSON"),
        pytest.param({"data": b"x"}, 415, "missing", id="no content type"),
        pytest.param(
            {"data": b"<svg/>", "headers": {"Content-Type": "image/svg+xml"}}, 415, "SVG", id="SVG"
        ),
        pytest.param(
            {"data": b"x", "headers": {"Content-Type": "multipart/form-data"}},
            400,
            "form",
            id="multipart without boundary",
        ),
        pytest.param(
            {"data": b"--b\r\nx", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
            400,
            "form",
            id="multipart cut off",
        ),
        pytest.param({"files": [("image", b"x")] * 2}, 413, "at most 1", id="two files"),
        pytest.param({"files": [("image", b"x")] * 5}, 413, "at most 1", id="five files"),
        pytest.param({"files": {"image": (None, "x")}}, 400, "'image' (text)", id="text field"),
    ],
)
def test_wrong_requests(
    classifier_url: str, request_: dict[str, Any], status: int, words: str
) -> None:
    answer = post(f"{classifier_url}/classify", **request_)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(npy(np.array([{"a": 1}]), allow_pickle=True), id="pickle"),
        pytest.param(npy(np.zeros((2, 28, 27), np.uint8)), id="wrong shape"),
        pytest.param(npy(np.zeros((28, 28), np.uint8)), id="no batch"),
        pytest.param(npy(np.zeros((2, 28, 28), np.float32)), id="floats"),
        pytest.param(npy(np.zeros((2, 28, 28), np.uint8))[:-5], id="cut off"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x93NUMPY\x01\x00\x10\x00{'descr': '|u1',", id="broken header"),
    ],
)
def test_arrays_that_are_none(classifier_url: str, data: bytes) -> None:
    headers = {"Content-Type": "application/x-npy"}
    answer = post(f"{classifier_url}/classify_many", data=data, headers=headers)
    assert answer.status_code == 400, answer.text
    assert "uint8" in answer.json()["error"]


def test_more_pictures_than_a_call_may_hold(classifier_url: str) -> None:
    body = npy(np.zeros((10_001, 28, 28), np.uint8))
    headers = {"Content-Type": "application/x-npy"}
    answer = post(f"{classifier_url}/classify_many", data=body, headers=headers)
    assert answer.status_code == 413
    assert "at most 10,000" in answer.json()["error"]


def test_other_methods_and_paths(classifier_url: str) -> None:
    answer = requests.get(f"{classifier_url}/classify", timeout=10)
    assert answer.status_code == 405
    assert "The page at / lists the calls" in answer.json()["error"]
    assert answer.headers["Allow"] == "POST"
    assert requests.get(f"{classifier_url}/nothing-here", timeout=10).status_code == 404


def test_a_client_that_goes_away_in_the_middle_harms_nobody(classifier_url: str) -> None:
    import socket

    host, port = classifier_url.removeprefix("http://").split(":")
    for _ in range(5):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
                b"Content-Length: 5000\r\n\r\nhalf"
            )
    answer = post(f"{classifier_url}/classify", files={"image": encoded(shoe())})
    assert answer.status_code == 200
