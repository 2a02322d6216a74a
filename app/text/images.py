"""Thumbnails of uploaded pictures."""

import base64
import io
import struct

from PIL import Image, ImageOps

import settings

# Raised by Pillow for files that are broken, truncated, or claim to be too large.
_PILLOW_ERRORS = (
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


def thumbnail(data: bytes, pixels: int) -> bytes | None:
    """Return a PNG of the picture, at most `pixels` wide and high; None if it cannot be read."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > settings.get_int("MAX_MEGAPIXELS") * 1_000_000:
                return None
            picture.draft(None, (pixels, pixels))
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I;16"):
                upright = upright.point(lambda value: value / 256)
            shown = upright.convert("RGBA")
    except _PILLOW_ERRORS:
        return None
    shown.thumbnail((pixels, pixels))
    png = io.BytesIO()
    shown.save(png, "PNG")
    return png.getvalue()


def data_url(png: bytes) -> str:
    """Encode a PNG as a data: URL."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
