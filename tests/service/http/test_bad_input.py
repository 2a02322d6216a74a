"""Whatever is sent, the answer is a sentence or right, never a 5xx, and the worker lives."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image, ImageDraw


def shoe() -> Image.Image:
    """Dark on white."""
    image = Image.new("L", (120, 80), 255)
    ImageDraw.Draw(image).polygon([(10, 60), (10, 20), (50, 40), (110, 50), (110, 60)], 30)
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def header_bomb() -> bytes:
    """A small PNG file whose header announces 20,000 x 20,000 pixels."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def wrong_checksum(kind: bytes) -> bytes:
    data = bytearray(encoded(shoe()))
    start = data.index(kind)
    length = struct.unpack(">I", data[start - 4 : start])[0]
    data[start + 4 + length] ^= 0xFF
    return bytes(data)


def animated() -> bytes:
    frames = [shoe().rotate(angle) for angle in (0, 30, 60)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def sixteen_bit() -> bytes:
    return encoded(Image.fromarray(np.asarray(shoe()).astype(np.uint16) * 257))


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(shoe().rotate(90, expand=True), "JPEG", exif=exif, quality=95)


def transparent() -> bytes:
    alpha = shoe().point(lambda level: 255 if level < 128 else 0)
    return encoded(Image.merge("LA", (shoe(), alpha)).convert("RGBA"))


REFUSED = {
    "0 bytes": (b"", 400, "empty"),
    "text": (b"this is no picture at all", 400, "not a picture"),
    "truncated PNG": (encoded(shoe())[:-60], 400, "damaged or cut off"),
    "truncated JPEG": (encoded(shoe(), "JPEG")[:-200], 400, "damaged or cut off"),
    "PNG header with a wrong CRC": (wrong_checksum(b"IHDR"), 400, "not a picture"),
    "20,000 x 20,000 header": (header_bomb(), 413, "million pixels"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400, "not a picture"),
    "11 MB": (bytes(11_000_000), 413, "MB"),
}

ANSWERED = {
    "1x1": encoded(Image.new("L", (1, 1))),
    "1x3000": encoded(Image.new("RGB", (1, 3000), "white")),
    "blank": encoded(Image.new("RGB", (200, 200), "white")),
    "animated GIF": animated(),
    "CMYK JPEG": encoded(shoe().convert("CMYK"), "JPEG"),
    "16-bit PNG": sixteen_bit(),
    "RGBA": transparent(),
    "PNG pixels with a wrong CRC": wrong_checksum(b"IDAT"),
    "palette with transparency": encoded(shoe().convert("P"), transparency=255),
    "EXIF-rotated JPEG": turned(),
    "48 megapixels": encoded(shoe().resize((8520, 5680))),
}


def post(url: str, **request: Any) -> requests.Response:
    return requests.post(url, timeout=30, **request)


@pytest.fixture(autouse=True)
def workers_live(classifier_url: str) -> Any:
    """No worker dies of what it is sent."""
    before = requests.get(f"{classifier_url}/model", timeout=10).json()["workers"]
    yield
    assert requests.get(f"{classifier_url}/model", timeout=10).json()["workers"] == before


@pytest.mark.parametrize("body", ["raw", "multipart"])
@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_sentence(classifier_url: str, name: str, body: str) -> None:
    data, status, words = REFUSED[name]
    for call in ("classify", "preview"):
        if body == "raw":
            headers = {"Content-Type": "image/png"}
            answer = post(f"{classifier_url}/{call}", data=data, headers=headers)
        else:
            answer = post(f"{classifier_url}/{call}", files={"image": ("it.png", data)})
        assert answer.status_code == status, answer.text
        assert words in answer.json()["error"]


@pytest.mark.parametrize("name", ANSWERED)
def test_answered(classifier_url: str, name: str) -> None:
    answer = post(f"{classifier_url}/classify", files={"image": ANSWERED[name]})
    assert answer.status_code == 200, answer.text
    assert sum(answer.json()["probabilities"].values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", sorted(set(ANSWERED) - {"1x1", "1x3000", "blank"}))
def test_the_same_shoe_is_the_same_however_it_is_stored(classifier_url: str, name: str) -> None:
    if "JPEG" not in name:  # which changes pixels, and a drawn shoe is on the edge of classes
        plain = post(f"{classifier_url}/classify", files={"image": encoded(shoe())}).json()
        stored = post(f"{classifier_url}/classify", files={"image": ANSWERED[name]}).json()
        assert stored["label"] == plain["label"]
    seen, expected = (
        np.asarray(Image.open(io.BytesIO(preview)), dtype=np.float64)
        for preview in (
            post(f"{classifier_url}/preview", files={"image": data}).content
            for data in (ANSWERED[name], encoded(shoe()))
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
