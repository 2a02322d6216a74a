"""From a Pillow picture of any mode and size to one that is upright, and to grey levels.

Pictures of more than `LARGE_PIXELS` are reduced band by band, before anything else makes a copy of
them: at no time is there more in memory than the decoded picture and one band.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

LARGE_PIXELS = 4_000_000
"""Smaller pictures are converted whole, which keeps each grey level as it always was."""

COLOR_MODES = frozenset({"RGB", "RGBA", "RGBX", "P", "CMYK", "YCbCr", "HSV"})

_WORKING_SIDE = 512
"""Larger pictures are shrunk to this: 28 pixels need no more, and it bounds the work."""

_REDUCED_SIDE = 768
"""Bands and the JPEG decoder reduce by whole factors, and to this length at least."""

_BAND_PIXELS = 1_000_000

_RANGES = (1, 255, 1023, 4095, 16383, 65535)
"""Largest values of 8, 10, 12, 14 and 16 bits, and of floating-point files."""

_HOT_PIXELS = 0.0001
"""Share of the brightest pixels that do not count when the range is chosen."""

_ROTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn a picture upright, by its EXIF orientation."""

Levels = npt.NDArray[np.float32]


def upright(image: Image.Image, *, keeps_color: bool) -> Image.Image:
    """Decode a picture and turn it upright; reduce it if it is large.

    Raises whatever Pillow raises on data that it cannot decode (OSError most often).
    """
    is_large = image.width * image.height > LARGE_PIXELS
    if is_large:
        _decode_smaller(image, keeps_color)
    image.load()
    rotation = _ROTATIONS.get(_orientation(image))
    if is_large:
        image = _reduce_in_bands(image, keeps_color)
    return image if rotation is None else image.transpose(rotation)


def to_color(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Return a picture that is upright in color, uint8 (H, W, 3), of at most 512x512.

    Its mode must be one of COLOR_MODES. What is transparent in it is not.
    """
    image = image.convert("RGB")
    image.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
    return np.asarray(image)


def to_shown(image: Image.Image) -> Image.Image:
    """Return a picture that is upright as people see it: in color or grey, of at most 512x512."""
    if image.mode.startswith(("I", "F")):
        image = _to_8_bit(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode in COLOR_MODES:
        image = image.convert("RGB")
    else:
        image = _opaque(image)
    image.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
    return image


def to_grey(image: Image.Image) -> Levels:
    """Return a picture that is upright in grey, 0..255, of at most 512x512.

    What is transparent contrasts with what is not.
    """
    if image.mode.startswith(("I", "F")):
        image = _to_8_bit(image)
    if not image.has_transparency_data:
        image = _opaque(image)
        image.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
        return np.asarray(image, dtype=np.float32)
    image = image.convert("RGBA")
    image.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / np.float32(255)
    visible = alpha.sum()
    is_dark = visible > 0 and (grey * alpha).sum() / visible < 128
    backdrop = np.full_like(grey, 255 if is_dark else 0)
    return grey * alpha + backdrop * (1 - alpha)


def jpeg_reduction(width: int, height: int) -> int:
    """Return the factor, 1, 2, 4 or 8, by which a large JPEG is reduced as it is decoded."""
    halvings = (max(width, height) // _REDUCED_SIDE).bit_length() - 1
    return 1 << max(0, min(halvings, 3))


def _decode_smaller(image: Image.Image, keeps_color: bool) -> None:
    """Let the JPEG decoder leave out detail and colors. Other decoders have no such choice."""
    if image.format in ("JPEG", "MPO"):
        reduction = jpeg_reduction(*image.size)
        mode = None if keeps_color else "L"
        image.draft(mode, (image.width // reduction, image.height // reduction))


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF data raise nearly anything; the pixels are fine
        return 1


def _reduce_in_bands(image: Image.Image, keeps_color: bool) -> Image.Image:
    """Average blocks of pixels, so that the longer edge is about `_REDUCED_SIDE`."""
    factor = max(image.size) // _REDUCED_SIDE
    if factor < 2:
        return image
    width, height = image.size
    mode = _band(image, 0, 1, keeps_color).mode
    reduced = Image.new(mode, (-(-width // factor), -(-height // factor)))
    rows = factor * max(1, _BAND_PIXELS // (width * factor))
    for top in range(0, height, rows):
        band = _band(image, top, min(height, top + rows), keeps_color)
        reduced.paste(band.reduce(factor), (0, top // factor))
    return reduced


def _band(image: Image.Image, top: int, bottom: int, keeps_color: bool) -> Image.Image:
    """Rows of a picture in a mode that can be averaged: L, RGB, RGBA or F."""
    band = image.crop((0, top, image.width, bottom))
    if band.mode.startswith(("I", "F")):
        return Image.fromarray(_finite(band))
    if band.has_transparency_data:
        return band.convert("RGBA")
    return band.convert("RGB") if keeps_color and band.mode in COLOR_MODES else _opaque(band)


def _opaque(image: Image.Image) -> Image.Image:
    # Pillow converts no Lab picture to grey. Its lightness is close to the grey of sRGB.
    return image.getchannel("L") if image.mode == "LAB" else image.convert("L")


def _finite(image: Image.Image) -> Levels:
    """Values of a 16-bit, 32-bit or floating-point picture; the darkest in place of no number."""
    levels = np.asarray(image).astype(np.float32)
    is_number = np.isfinite(levels)
    if not is_number.all():
        levels[~is_number] = levels[is_number].min() if is_number.any() else 0
    return levels


def _to_8_bit(image: Image.Image) -> Image.Image:
    """A 16-bit, 32-bit or floating-point picture with its range scaled to 0..255.

    Files do not say how much of their range is in use: a 16-bit file may hold the 12 bits of a
    camera, and a floating-point file 0..1 as well as 0..65535. The smallest usual range that
    holds the picture is taken. Values below 0 are no usual range: then it is from the lowest to the
    highest value.
    """
    levels = _finite(image)
    low = np.float32(min(0, levels.min()))
    levels -= low
    high = float(np.quantile(levels, 1 - _HOT_PIXELS, method="lower"))
    usual = _RANGES if image.mode.startswith("F") and low == 0 else _RANGES[1:]
    fitting = [white for white in usual if high <= white * 1.001] if low == 0 else []
    white = fitting[0] if fitting else high or 1
    scaled = (levels.astype(np.float64) * 255 / white).clip(0, 255)
    return Image.fromarray(scaled.astype(np.uint8), mode="L")
