"""Photos lose their background; drawings, scans and everything grey stay as they were."""

import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.pictures import encoded
from tests.support.samples import photos
from training.model import crop, foreground, grey, u2netp
from training.model.crop import Crop, CropError
from training.model.photo import is_photo
from training.model.preprocess import prepare, preprocess, view


@pytest.fixture(autouse=True)
def whatever_was_asked_before() -> Iterator[None]:
    foreground.is_on.cache_clear()
    yield
    foreground.is_on.cache_clear()


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two pictures, -1..1."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def drawn(ground: str, mode: str = "RGB") -> Image.Image:
    """A red shape with a blue one on it, on one color."""
    image = Image.new("RGB", (300, 200), ground)
    draw = ImageDraw.Draw(image)
    draw.polygon([(40, 120), (40, 60), (110, 90), (200, 110), (200, 140)], "red")
    draw.ellipse((60, 90, 80, 110), "blue")
    return image.convert(mode)


def test_only_the_article_of_a_photo_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    outline = preprocess(photos.silhouette()) > 0
    left = preprocess(photos.trousers()) > 13
    assert (outline & left).sum() > 0.85 * outline.sum()
    assert (left & ~outline).sum() < 0.15 * outline.sum()
    with_mask = agreement(preprocess(photos.trousers()), outline)
    monkeypatch.setenv("FOREGROUND", "0")
    foreground.is_on.cache_clear()
    assert with_mask > agreement(preprocess(photos.trousers()), outline) + 0.2


def test_a_network_that_is_missing_is_told_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(u2netp, "FILE", u2netp.FILE.with_name("elsewhere.onnx"))
    for _ in range(2):
        assert preprocess(photos.trousers()).shape == (28, 28)
    [record] = caplog.records
    assert "python -m training.model.u2netp" in record.message


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(drawn("white"), id="on white"),
        pytest.param(drawn("yellow"), id="on yellow"),
        pytest.param(drawn("white", "P"), id="palette"),
        pytest.param(Image.open(io.BytesIO(encoded(drawn("white"), "JPEG"))), id="JPEG"),
        pytest.param(photos.trousers().convert("L"), id="grey"),
        pytest.param(photos.trousers().convert("L").convert("RGBA"), id="grey in color"),
        pytest.param(photos.trousers((40, 40)), id="tiny"),
    ],
)
def test_a_drawing_and_a_grey_picture_are_as_they_were(
    image: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = preprocess(image)
    foreground.is_on.cache_clear()
    monkeypatch.setenv("FOREGROUND", "0")
    assert np.array_equal(found, preprocess(image))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK", "P"])
def test_a_photo_is_one_in_every_mode_with_colors(mode: str) -> None:
    image = photos.trousers().convert(mode)
    assert is_photo(image, grey.to_grey(image))


def test_a_cut_out_article_is_no_photo() -> None:
    image = photos.trousers()
    image.putalpha(photos.silhouette())
    assert prepare(image).shape == (28, 28)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("write", [photos.heic, photos.avif])
def test_a_phone_s_picture_is_upright(
    write: Callable[[Image.Image, int], bytes], orientation: int
) -> None:
    turns = {1: 0, 3: 180, 6: 90, 8: 270}
    sensor = photos.trousers((300, 400)).rotate(turns[orientation], expand=True)
    shown = view(Image.open(io.BytesIO(write(sensor, orientation))), mask=False)
    assert shown.size == (300, 400)
    expected = photos.trousers((300, 400))
    assert agreement(np.asarray(shown, dtype=float), np.asarray(expected, dtype=float)) > 0.98


def test_the_mask_dims_the_background_only() -> None:
    plain, masked = (
        np.asarray(view(photos.trousers(), mask=mask), dtype=int) for mask in (False, True)
    )
    inside = np.asarray(photos.silhouette().resize((384, 512)).resize(plain.shape[1::-1])) > 0
    change = np.abs(plain - masked).sum(axis=2)
    assert np.median(change[inside]) <= 3
    assert np.median(change[~inside]) > 60


def test_a_crop_is_all_that_counts() -> None:
    page = Image.new("RGB", (400, 200), "white")
    page.paste(drawn("white").resize((200, 133)), (0, 0))
    page.paste(drawn("white").transpose(Image.Transpose.ROTATE_90).resize((100, 150)), (250, 20))
    part = crop.parse("0.5,0,0.5,1")
    assert part is not None
    alone = page.crop((200, 0, 400, 200))
    assert np.array_equal(preprocess(page, part), preprocess(alone))
    assert not np.array_equal(preprocess(page), preprocess(alone))
    assert view(page, part, mask=True).size == alone.size


def test_a_crop_never_is_empty() -> None:
    image = Image.new("RGB", (10, 7))
    for part in (Crop(0.999, 0.999, 0.001, 0.001), Crop(0, 0, 0.0001, 1), Crop(0.5, 0.2, 0.5, 0.8)):
        assert min(part.of(image).size) >= 1


@pytest.mark.parametrize("text", ["", "  ", "0,0,1,1"])
def test_the_whole_picture_is_no_crop(text: str) -> None:
    assert crop.parse(text) is None


@pytest.mark.parametrize(
    "text",
    ["1", "a,b,c,d", "0,0,1", "0,0,0,1", "0.5,0,0.6,1", "-0.1,0,0.5,1", "nan,0,1,1", "0,0,inf,1"],
)
def test_a_crop_that_cannot_be_is_named(text: str) -> None:
    with pytest.raises(CropError, match="Send left,top,width,height"):
        crop.parse(text)
