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


def with_chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG of the shoe with one more chunk, in front of its pixels."""
    data = encoded(shoe())
    start = data.index(b"IDAT") - 4
    return data[:start] + chunk(kind, content) + data[start:]


def animation(frames: list[Image.Image]) -> bytes:
    durations = [100 * (number + 1) for number in range(len(frames))]  # equal frames are merged
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=durations)


def levels(white: float, kind: Any, corner: float | None = None) -> Image.Image:
    """The shoe in other numbers: 0..white, with `corner` at the upper left."""
    pixels = np.asarray(shoe()).astype(np.float64) / 255 * white
    if corner is not None:
        pixels[0, 0] = corner
    return Image.fromarray(pixels.astype(kind))


def lab_tiff() -> bytes:
    neutral = Image.new("L", shoe().size)
    return encoded(Image.merge("LAB", (shoe(), neutral, neutral)), "TIFF")


def many_scans(count: int) -> bytes:
    """A progressive JPEG of 12 megapixels whose last scan is there many times."""
    data = encoded(Image.new("L", (3500, 3500), 128), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * count + data[-2:]


def unknown_dds() -> bytes:
    """A DDS file whose DXGI format Pillow does not know."""
    header = struct.pack("<7I44x", 124, 0x1007, 4, 4, 0, 0, 0)
    pixel_format = struct.pack("<2I4s5I", 32, 4, b"DX10", 0, 0, 0, 0, 0)
    return b"DDS " + header + pixel_format + bytes(20) + struct.pack("<5I", 93, 3, 0, 1, 0)


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
    "JPEG with 2,000 scans": (many_scans(2_000), 400, "too long to decode"),
    "DDS of an unknown form": (unknown_dds(), 400, "not a picture"),
    "1x1": (encoded(Image.new("L", (1, 1))), 422, "nothing to see"),
    "1x3000": (encoded(Image.new("RGB", (1, 3000), "white")), 422, "nothing to see"),
    "white": (encoded(Image.new("RGB", (200, 200), "white")), 422, "nothing to see"),
    "black, 28x28": (encoded(Image.new("L", (28, 28))), 422, "nothing to see"),
    "one color all over": (encoded(Image.new("L", (50, 50), 60)), 422, "nothing to see"),
    "transparent": (encoded(Image.new("RGBA", (90, 60))), 422, "nothing to see"),
    "blank animation": (animation([Image.new("L", (60, 40), 255)] * 2), 422, "nothing to see"),
}
"""Contents, the status code and words of the message."""

ODD: dict[str, bytes] = {
    "animated GIF": animation([shoe().rotate(angle) for angle in (0, 30, 60)]),
    "GIF whose first frame is blank": animation([Image.new("L", (120, 80), 255), shoe()]),
    "Lab TIFF": lab_tiff(),
    "PNG with 3 MB of text": with_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))),
    "PNG with a large profile": with_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(3_000_000))),
    "12 bits in a 16-bit TIFF": encoded(levels(4095, np.uint16), "TIFF"),
    "big-endian 16-bit TIFF": encoded(levels(65535, np.dtype(">u2")), "TIFF"),
    "floats 0..1": encoded(levels(1, np.float32), "TIFF"),
    "floats 0..1.0001": encoded(levels(1.0001, np.float32), "TIFF"),
    "floats 0..65535": encoded(levels(65535, np.float32), "TIFF"),
    "floats with NaN": encoded(levels(1, np.float32, np.nan), "TIFF"),
    "floats with infinity": encoded(levels(1, np.float32, np.inf), "TIFF"),
    "dithered palette": encoded(shoe().convert("RGB").convert("P")),
    "CMYK JPEG": encoded(shoe().convert("CMYK"), "JPEG"),
    "16-bit PNG": sixteen_bit(),
    "RGBA": transparent(),
    "PNG pixels with a wrong CRC": wrong_checksum(b"IDAT"),
    "palette with transparency": encoded(shoe().convert("P"), transparency=255),
    "EXIF-rotated JPEG": turned(),
    "48 megapixels": encoded(shoe().resize((8520, 5680))),
}
