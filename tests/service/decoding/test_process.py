"""Decoding is bounded in time and memory, and nothing goes on after the answer."""

import io
import time
from collections.abc import Iterator

import numpy as np
import psutil
import pytest
from PIL import Image

from service.decoding import pictures, worker
from service.decoding.cost import Cost, estimate
from service.decoding.process import DecodingProcess
from service.decoding.reader import PictureError, Problem
from service.http.errors import ApiError
from tests.support.pictures import encoded, many_scans, shoe
from tests.support.rendered import photos
from tests.support.services import event_loop

PIXELS = 50_000_000


@pytest.fixture
def process() -> Iterator[DecodingProcess]:
    decoder = DecodingProcess(PIXELS)
    yield decoder
    if decoder._process:
        decoder._process.kill()
        decoder._process.wait()


def large_rgba() -> bytes:
    """49 megapixels in 0.2 MB: all but a rectangle is of one color."""
    image = Image.new("RGBA", (7000, 7000), (200, 10, 10, 128))
    image.paste((0, 200, 0, 255), (2000, 2000, 5000, 5500))
    return encoded(image)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(encoded(shoe()), Cost.TINY, id="small PNG"),
        pytest.param(encoded(shoe(), "JPEG", progressive=True), Cost.TINY, id="small JPEG"),
        pytest.param(encoded(shoe().resize((1500, 1000))), Cost.LIGHT, id="PNG"),
        pytest.param(encoded(shoe().resize((4000, 3000)), "JPEG"), Cost.LIGHT, id="photo"),
        pytest.param(encoded(shoe().resize((4000, 3000))), Cost.UNKNOWN, id="large PNG"),
        pytest.param(
            encoded(shoe().resize((4000, 3000)), "JPEG", progressive=True),
            Cost.UNKNOWN,
            id="large progressive JPEG",
        ),
        pytest.param(encoded(shoe(), "GIF"), Cost.UNKNOWN, id="GIF"),
        pytest.param(many_scans(200), Cost.UNKNOWN, id="many scans"),
        pytest.param(b"\xff\xd8" + b"\xff" * 100_000, Cost.UNKNOWN, id="JPEG of fill bytes"),
        pytest.param(
            encoded(shoe())[:33] + bytes(12) * 10_000, Cost.UNKNOWN, id="PNG of empty chunks"
        ),
    ],
)
def test_only_what_is_certainly_cheap_is_cheap(data: bytes, expected: Cost) -> None:
    assert estimate(data, PIXELS) is expected


def test_too_many_scans_are_refused_without_decoding() -> None:
    with pytest.raises(PictureError) as caught:
        estimate(many_scans(2_000), PIXELS)
    assert caught.value.problem is Problem.TOO_SLOW


def test_a_large_picture_leaves_this_process_as_it_was(
    process: DecodingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.decoding.process.DECODE_SECONDS", 60)
    data = large_rgba()
    before = psutil.Process().memory_info().rss
    pixels = process.decode(data).result(30)
    assert pixels.shape == (28, 28)
    assert psutil.Process().memory_info().rss < before + 50_000_000
    assert process._process
    assert psutil.Process(process._process.pid).memory_info().rss < 150_000_000


def test_a_slow_picture_is_ended(process: DecodingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.decoding.process._CPU_SECONDS", 1)
    monkeypatch.setattr("service.decoding.process.DECODE_SECONDS", 60)
    with pytest.raises(PictureError) as caught:
        process.decode(many_scans(2_000)).result(60)
    assert caught.value.problem is Problem.TOO_SLOW
    assert process._process is None  # nothing computes on
    assert process.decode(encoded(shoe(), "GIF")).result(60).any()


def test_a_picture_that_others_delay_is_busy(
    process: DecodingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert process.decode(encoded(shoe(), "GIF")).result(60).any()
    monkeypatch.setattr("service.decoding.process.DECODE_SECONDS", 0.2)
    with pytest.raises(PictureError) as caught:
        process.decode(many_scans(2_000)).result(60)
    assert caught.value.problem is Problem.BUSY


def test_a_heic_file_is_read_and_a_bomb_is_refused(process: DecodingProcess) -> None:
    data = photos.heic(photos.trousers())
    assert process.decode(data).result(60).any()
    size = data.index(b"ispe") + 8
    bomb = data[:size] + (30_000).to_bytes(4) * 2 + data[size + 8 :]
    with pytest.raises(PictureError) as caught:
        process.decode(bomb).result(60)
    assert caught.value.problem is Problem.TOO_MANY_PIXELS


def test_memory_of_the_process_is_limited() -> None:
    assert worker.MAX_MEMORY_BYTES < 1_000_000_000


def test_an_idle_process_ends(process: DecodingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.decoding.process._IDLE_SECONDS", 0.2)
    assert process.decode(encoded(shoe(), "GIF")).result(60).any()
    deadline = time.monotonic() + 20
    while process._process is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert process.decode(encoded(shoe(), "GIF")).result(60).any()


def test_what_is_not_decoded_in_time_is_an_error_in_its_place() -> None:
    files = [encoded(shoe()), b"no picture", encoded(shoe())]
    decoded = event_loop.run(pictures.decode_many(files, time.monotonic() + 60))
    assert [isinstance(item, ApiError) for item in decoded] == [False, True, False]
    late = event_loop.run(pictures.decode_many(files * 20, time.monotonic() - 1))
    assert all(isinstance(it, ApiError) and "Not classified in time" in it.message for it in late)


def test_an_array_of_a_picture_is_as_preprocessing_makes_it() -> None:
    from training.model.preprocess import preprocess

    expected = preprocess(Image.open(io.BytesIO(encoded(shoe()))))
    assert np.array_equal(pictures.decode_now(encoded(shoe())), expected)


def test_the_model_input_of_an_archive_is_kept() -> None:
    white = Image.new("L", (28, 28), 255)
    assert pictures.decode_now(encoded(white), keeps_model_input=True).min() == 255
