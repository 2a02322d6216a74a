"""Uploaded pictures made small enough to show."""

import base64
import io
import struct

from PIL import Image, ImageOps

import settings

# What Pillow raises for files that are broken, cut off, or claim to be too large.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    KeyError,
    IndexError,
    TypeError,
    OverflowError,
    struct.error,
    Image.DecompressionBombError,
)


def shrunk(data: bytes, pixels: int) -> bytes | None:
    """A PNG of the picture, at most `pixels` wide and high; None if it cannot be read."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > settings.get_int("MAX_MEGAPIXELS") * 1_000_000:
                return None
            picture.draft(None, (pixels, pixels))
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I;16"):
                upright = upright.point(lambda value: value / 256)
            shown = upright.convert("RGBA")
    except _BROKEN:
        return None
    shown.thumbnail((pixels, pixels))
    png = io.BytesIO()
    shown.save(png, "PNG")
    return png.getvalue()


def data_url(png: bytes) -> str:
    """A PNG as an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
