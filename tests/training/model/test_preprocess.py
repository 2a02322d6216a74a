"""Any picture becomes what the network was trained on."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from training.data import fashion_mnist
from training.model.preprocess import SIDE, NothingToSee, preprocess, to_input


def shoe(size: tuple[int, int] = (300, 200)) -> Image.Image:
    """A bright shape on black, wider than high, away from the middle."""
    image = Image.new("L", size)
    ImageDraw.Draw(image).polygon([(40, 120), (40, 60), (110, 90), (200, 110), (200, 140)], 200)
    return image


def through_file(image: Image.Image, kind: str, **options: object) -> Image.Image:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(io.BytesIO(file.getvalue()))


def as_jpeg(image: Image.Image, **options: object) -> Image.Image:
    return through_file(image, "JPEG", quality=95, **options)


def rotated(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two pictures, -1..1."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_a_28x28_grey_picture_passes_unchanged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    assert np.array_equal(preprocess(through_file(Image.fromarray(pixels), "PNG")), pixels)


def test_the_article_fills_the_longer_edge_and_is_centred_on_black() -> None:
    preprocessed = preprocess(shoe())
    columns, rows = (
        np.flatnonzero(preprocessed.any(axis=0)),
        np.flatnonzero(preprocessed.any(axis=1)),
    )
    assert (columns[0], columns[-1]) == (0, SIDE - 1)
    assert abs(rows[0] - (SIDE - 1 - rows[-1])) <= 1
    assert preprocessed.max() > 190


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda it: Image.eval(it, lambda v: 255 - v), id="dark article on white"),
        pytest.param(lambda it: it.convert("RGB"), id="colour"),
        pytest.param(
            lambda it: through_file(it.convert("CMYK"), "JPEG", quality=95), id="CMYK JPEG"
        ),
        pytest.param(lambda it: it.convert("P"), id="palette"),
        pytest.param(lambda it: through_file(it, "GIF"), id="GIF"),
        pytest.param(lambda it: it.resize((1200, 800)), id="larger"),
        pytest.param(
            lambda it: Image.fromarray(np.asarray(it).astype(np.uint16) * 257), id="16 bit"
        ),
        pytest.param(
            lambda it: Image.fromarray(np.asarray(it).astype(np.float32) / 255), id="0..1 floats"
        ),
        pytest.param(
            lambda it: Image.merge("LA", (it, it.point(lambda v: 255 * (v > 0)))),
            id="bright on transparent",
        ),
        pytest.param(
            lambda it: Image.merge(
                "RGBA", (*[Image.new("L", it.size)] * 3, it.point(lambda v: 255 * (v > 0)))
            ),
            id="black on transparent",
        ),
        pytest.param(
            lambda it: as_jpeg(it.rotate(90, expand=True), exif=rotated(6)), id="EXIF rotation"
        ),
    ],
)
def test_the_same_article_looks_the_same(make: Callable[[Image.Image], Image.Image]) -> None:
    assert agreement(preprocess(make(shoe())), preprocess(shoe())) > 0.97


def test_a_palette_with_transparency_shows_its_article() -> None:
    image = shoe().convert("P")
    background = image.getpixel((0, 0))
    preprocessed = preprocess(through_file(image, "PNG", transparency=background))
    assert agreement(preprocessed, preprocess(shoe())) > 0.97


def test_no_test_picture_changes(test_set: fashion_mnist.Split) -> None:
    for pixels in test_set.images.numpy():
        assert np.array_equal(preprocess(Image.fromarray(pixels)), pixels)


def test_a_28x28_grey_picture_dark_on_white_is_inverted() -> None:
    grey = Image.eval(shoe().resize((SIDE, SIDE)), lambda level: 255 - level)
    assert np.array_equal(preprocess(grey), preprocess(grey.convert("RGB")))
    assert preprocess(grey)[0, 0] == 0


@pytest.mark.parametrize("level", [0, 60, 128, 255])
@pytest.mark.parametrize("size", [(1, 1), (SIDE, SIDE), (300, 200), (3000, 2000)])
def test_one_color_is_nothing(level: int, size: tuple[int, int]) -> None:
    for mode in ("L", "RGB"):
        with pytest.raises(NothingToSee):
            preprocess(Image.new("L", size, level).convert(mode))


def test_dust_beside_the_article_does_not_count() -> None:
    dusty = shoe()
    for place in [(0, 0), (299, 199), (299, 0), (250, 100)]:
        dusty.putpixel(place, 255)
    assert np.array_equal(preprocess(dusty), preprocess(shoe()))


def test_a_shaded_background_is_no_article() -> None:
    slope = np.linspace(20, 110, 300)[None] + np.linspace(0, 40, 200)[:, None]
    shaded = np.where(np.asarray(shoe()) > 0, 230, slope).astype(np.uint8)
    assert agreement(preprocess(Image.fromarray(shaded)), preprocess(shoe())) > 0.9


def test_a_large_picture_is_reduced_as_it_is_decoded() -> None:
    large = shoe().resize((6000, 4000))
    forms: tuple[Callable[[Image.Image], Image.Image], ...] = (
        lambda it: as_jpeg(it.convert("RGB"), progressive=True),
        lambda it: through_file(it.convert("RGBA"), "PNG", compress_level=1),
        lambda it: through_file(it.convert("P"), "PNG", compress_level=1),
        lambda it: Image.fromarray(np.asarray(it).astype(np.uint16) * 16),
    )
    for make in forms:
        assert agreement(preprocess(make(large)), preprocess(shoe())) > 0.97


@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
def test_a_large_picture_is_turned_as_a_small_one_is(orientation: int) -> None:
    small, large = (
        preprocess(as_jpeg(shoe().resize(size), exif=rotated(orientation)))
        for size in ((300, 200), (3000, 2000))
    )
    assert agreement(small, large) > 0.97


def test_a_photographed_test_picture_keeps_its_class(
    test_set: fashion_mnist.Split, class_of: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Enlarged, dark on white, in colour, off the middle: still named nearly as well."""
    pictures = [Image.fromarray(image.numpy()) for image in test_set.images[:500]]
    photographed = []
    for picture in pictures:
        page = Image.new("RGB", (500, 400), "white")
        large = picture.resize((280, 280), Image.Resampling.BICUBIC)
        page.paste(Image.eval(large, lambda v: 255 - v).convert("RGB"), (170, 60))
        photographed.append(preprocess(page))
    labels = test_set.labels[:500].numpy()
    original = np.mean(class_of(test_set.images[:500].numpy()) == labels)
    assert np.mean(class_of(np.stack(photographed)) == labels) > original - 0.03


@pytest.fixture(scope="session")
def class_of(wardrobe_home: object) -> Callable[[np.ndarray], np.ndarray]:
    """The session's model, as a function from pictures to classes."""
    from training import evaluation
    from training.store import versions

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(wardrobe_home))
        network = versions.load(versions.champion() or "").network

    def named(images: np.ndarray) -> np.ndarray:
        return evaluation.predict(network, torch.as_tensor(images)).argmax(1).numpy()

    return named


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F"]),
    seed=st.integers(0, 9),
)
def test_every_size_and_mode_becomes_28x28(width: int, height: int, mode: str, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    try:
        preprocessed = preprocess(Image.fromarray(noise, "RGBA").convert("RGB").convert(mode))
    except NothingToSee:
        assert width * height < 20, "noise is something"
        return
    assert preprocessed.shape == (SIDE, SIDE)
    assert preprocessed.dtype == np.uint8


def test_input_is_scaled_to_the_statistics_of_the_training_set() -> None:
    scaled = to_input(np.array([[[0, 255]]], dtype=np.uint8))
    assert scaled.flatten().tolist() == pytest.approx([-0.8102, 2.0227], abs=1e-4)
