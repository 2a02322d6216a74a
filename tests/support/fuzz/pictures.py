"""Picture files in many formats and modes, and their mutations: bytes, chunks, scans."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
from PIL import Image, features

from tests.support.fuzz.values import mutate_bytes
from tests.support.pictures import chunk

FORMATS: dict[str, tuple[str, ...]] = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("L", "P"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB"),
    "TIFF": ("1", "L", "RGB", "RGBA", "CMYK", "LAB", "I;16", "F", "P"),
    "DDS": ("L", "LA", "RGB", "RGBA"),
    "ICO": ("RGB", "RGBA"),
    "PPM": ("1", "L", "RGB"),
    "TGA": ("L", "P", "RGB", "RGBA"),
    "PCX": ("1", "L", "P", "RGB"),
    "SGI": ("L", "RGB", "RGBA"),
    "JPEG2000": ("L", "RGB"),
    "AVIF": ("RGB",),
    "ICNS": ("RGBA",),
    "IM": ("L", "RGB"),
    "SPIDER": ("F",),
    "XBM": ("1",),
    "MSP": ("1",),
}
"""Format as Pillow calls it, and the modes in which Pillow writes it."""

_SIZES = ((28, 28), (1, 1), (3, 50), (64, 48), (120, 90), (300, 200))
_NEEDS = {"WEBP": "webp", "JPEG2000": "jpg_2000", "AVIF": "avif"}
_LARGE_SIDE = 7_000
"""49 megapixels: just below the limit."""


def picture(random: Random, *, large: bool = True) -> bytes:
    """A picture file: as written, or mutated. With `large`, one in 400 has 49 megapixels."""
    if large and random.random() < 1 / 400:
        return _large(random.choice(sorted(_LARGE)))
    form = random.choice(sorted(FORMATS))
    data = valid_picture(random, form)
    if random.random() < 0.1:
        return data
    if random.random() < 0.05:
        other = valid_picture(random, random.choice(sorted(FORMATS)))
        return data[: random.randrange(len(data))] + other[random.randrange(len(other)) :]
    if form == "PNG" and random.random() < 0.6:
        return _mutate_png(data, random)
    if form == "JPEG" and random.random() < 0.3:
        return _mutate_jpeg(data, random)
    return mutate_bytes(data, random)


def valid_picture(random: Random, form: str = "PNG") -> bytes:
    """A picture of a random mode and size, in this format."""
    if (module := _NEEDS.get(form)) and not features.check(module):
        form = "PNG"
    mode, size = random.choice(FORMATS[form]), random.choice(_SIZES)
    image = _noise(random, mode, (16, 16) if form == "ICNS" else size)
    options: dict[str, object] = {}
    match form:
        case "JPEG":
            options = {"quality": random.choice((5, 75, 100)), "progressive": random.random() < 0.5}
        case "TIFF" if mode in ("L", "RGB", "RGBA"):
            options["compression"] = random.choice((None, "tiff_lzw", "tiff_deflate", "packbits"))
        case "GIF" | "WEBP" if random.random() < 0.3:
            options = {"save_all": True, "append_images": [image, image]}
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def encoded_grey(random: Random) -> bytes:
    """A grey PNG of 28x28 pixels, as corrections hold them."""
    file = io.BytesIO()
    _noise(random, "L", (28, 28)).save(file, "PNG")
    return file.getvalue()


def _noise(random: Random, mode: str, size: tuple[int, int]) -> Image.Image:
    """Noise on half of the picture, the other half is even."""
    grey = np.frombuffer(random.randbytes(size[0] * size[1]), np.uint8).reshape(size[::-1]).copy()
    grey[: size[1] // 2] = 255
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    image = Image.fromarray(grey)
    if mode == "LAB":
        return Image.merge("LAB", (image, image, image))
    return image.convert("RGB").convert(mode)


def _mutate_png(data: bytes, random: Random) -> bytes:
    """Changes chunks, with right checksums, so that the change is not found at once."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        [length] = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    number = random.randrange(len(chunks))
    kind, content = chunks[number]
    match random.randrange(6):
        case 0:
            chunks[number] = (kind, mutate_bytes(content, random))
        case 1:
            chunks.insert(number, chunks[number])
        case 2:
            del chunks[number]
        case 3:
            random.shuffle(chunks)
        case 4:
            chunks[0] = (b"IHDR", mutate_bytes(chunks[0][1], random)[:13].ljust(13, b"\x00"))
        case 5:
            name = random.choice((b"zTXt", b"iCCP", b"iTXt", b"tEXt", b"eXIf", b"PLTE", b"acTL"))
            text = zlib.compress(bytes(random.choice((10, 3_000_000))))
            chunks.insert(1, (name, b"name\x00\x00" + text))
    return data[:8] + b"".join(chunk(kind, content) for kind, content in chunks)


def _mutate_jpeg(data: bytes, random: Random) -> bytes:
    """Repeats a scan: a progressive file may have any number of them."""
    starts = [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"]
    if not starts:
        return mutate_bytes(data, random)
    start = random.choice(starts)
    end = next((at for at in starts if at > start), data.rindex(b"\xff\xd9"))
    scan = data[start:end]
    return (
        data[:end] + scan * min(random.choice((1, 20, 2_000)), 1_000_000 // len(scan)) + data[end:]
    )


# --- Large ones ----------------------------------------------------------------------------------


def _large_png(color_type: int, bytes_a_pixel: int) -> bytes:
    """Even pixels: some hundred kB. Written row by row, as the picture itself takes 200 MB."""
    packer = zlib.compressobj(1)
    row = bytes(1 + _LARGE_SIDE * bytes_a_pixel)
    rows = b"".join(packer.compress(row) for _ in range(_LARGE_SIDE)) + packer.flush()
    header = struct.pack(">IIBBBBB", _LARGE_SIDE, _LARGE_SIDE, 8, color_type, 0, 0, 0)
    pieces = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*piece) for piece in pieces)


def _large_file(form: str, mode: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (_LARGE_SIDE, _LARGE_SIDE)).save(file, form, **options)
    return file.getvalue()


_LARGE: dict[str, Callable[[], bytes]] = {
    "png-grey": lambda: _large_png(0, 1),
    "png-rgb": lambda: _large_png(2, 3),
    "png-rgba": lambda: _large_png(6, 4),
    "jpeg": lambda: _large_file("JPEG", "L"),
    "jpeg-progressive": lambda: _large_file("JPEG", "L", progressive=True),
    "gif": lambda: _large_file("GIF", "L"),
    "tiff": lambda: _large_file("TIFF", "L", compression="tiff_deflate"),
}


@cache
def _large(name: str) -> bytes:
    return _LARGE[name]()
