"""Small views of uploaded pictures, whatever the files hold."""

import base64
import io
import threading
import warnings
from functools import cache

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_DECODED_PIXELS = 16_000_000
"""Of a thumbnail's source: 64 MB. A JPEG is decoded at a fraction of its size."""

MAX_SCANS = 100
"""Of a progressive JPEG: each is decoded over the whole picture. Cameras and programs use ten."""

NEUTRAL_TILE = "data:image/svg+xml;base64," + base64.b64encode(
    b"<svg xmlns='http://www.w3.org/2000/svg' width='72' height='72' viewBox='0 0 72 72'>"
    b"<rect x='4' y='4' width='64' height='64' rx='8' fill='#8a857c' fill-opacity='.25'/>"
    b"<path d='M16 54l14-20 9 12 6-8 11 16z' fill='#8a857c'/>"
    b"<circle cx='48' cy='24' r='5' fill='#8a857c'/></svg>"
).decode("ascii")
"""In the place of a thumbnail that cannot be made, fit for a light and a dark page."""

_COMMON_FORMATS = ("PNG", "JPEG")
_START_OF_SCAN = b"\xff\xda"

# For the whole process: catching warnings around each picture is slow and not thread-safe.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

_decoding = threading.Lock()  # one picture at a time bounds the memory of all visitors


def thumbnail(data: bytes, pixels: int) -> bytes | None:
    """Return a PNG of the picture, at most `pixels` wide and high.

    None if it cannot be read, or would take too much memory or time.
    """
    try:
        with _decoding, _open(data) as picture:
            picture.draft(None, (pixels, pixels))
            if picture.width * picture.height > MAX_DECODED_PIXELS:
                return None
            if picture.format == "JPEG" and data.count(_START_OF_SCAN) > MAX_SCANS:
                return None
            shown = _shrunk(picture, pixels)
    except Exception:  # Pillow's readers raise nearly anything on hostile bytes
        return None
    png = io.BytesIO()
    shown.save(png, "PNG")
    return png.getvalue()


def data_url(png: bytes) -> str:
    """Encode a PNG as a data: URL."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _shrunk(picture: Image.Image, pixels: int) -> Image.Image:
    if picture.mode.startswith("I;16"):
        picture = picture.point(lambda value: value / 256)
    if picture.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        picture = picture.convert("RGBA")
    picture.thumbnail((pixels, pixels))
    return ImageOps.exif_transpose(picture).convert("RGBA")


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_COMMON_FORMATS)
    except UnidentifiedImageError:
        return Image.open(io.BytesIO(data), formats=_other_formats())


@cache
def _other_formats() -> list[str]:
    """Load Pillow's other readers, without EPS and WMF, which need Ghostscript and Windows."""
    Image.init()
    return sorted(set(Image.OPEN) - {*_COMMON_FORMATS, "EPS", "WMF"})
