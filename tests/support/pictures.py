"""Pictures for tests: good, odd and bad ones, and what the services answer to the bad ones."""

import io
import struct
import zlib
from typing import Any

import numpy as np
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


BAD: dict[str, tuple[bytes, int, str]] = {
    "0 bytes": (b"", 400, "empty"),
    "text": (b"this is no picture at all", 400, "not a picture"),
    "truncated PNG": (encoded(shoe())[:-60], 400, "damaged or cut off"),
    "truncated JPEG": (encoded(shoe(), "JPEG")[:-200], 400, "damaged or cut off"),
    "PNG header with a wrong CRC": (wrong_checksum(b"IHDR"), 400, "not a picture"),
    "20,000 x 20,000 header": (header_bomb(), 413, "million pixels"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400, "not a picture"),
    "11 MB": (bytes(11_000_000), 413, "MB"),
}
"""Contents, the status code and words of the message."""

ODD: dict[str, bytes] = {
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
