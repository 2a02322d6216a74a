"""What a picture file costs to decode, told from its header in a few microseconds.

Only what is certainly cheap counts as cheap: PNG and JPEG files whose size, number of parts and
number of scans are small. Everything else is decoded in a process that can be ended.
"""

from enum import Enum

from service.decoding.reader import PNG_SIGNATURE, PictureError, Problem, chunks_of_png
from training.model.grey import LARGE_PIXELS, jpeg_reduction

_TINY_PIXELS = 256 * 256
_TINY_BYTES = 256 * 1024

_BYTES_PER_CHUNK = 2_048
"""Of a PNG: programs write chunks of 8 kB and more. Pillow takes microseconds for each."""

_FEW_BYTES = 2_048
"""A PNG of this size has less than 200 chunks: to count them would take longer than they do."""

_ANIMATION = b"acTL"

_MAX_SEGMENTS = 300
"""Of a JPEG's header: a colour profile may have 255."""

_FEW_SCANS = 20
"""A progressive JPEG has about ten."""

_MAX_SCANNED_PIXELS = 4_000_000_000
"""Pixels times scans: 50 megapixels in 80 scans."""

_SEQUENTIAL = {0xC0, 0xC1}
_FRAME_STARTS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_JPEG_SIGNATURE = b"\xff\xd8\xff"


class Cost(Enum):
    """How expensive a picture is."""

    TINY = "takes less time than a switch to another thread"
    LIGHT = "at most 0.3 s and 20 MB"
    UNKNOWN = "anything"


def estimate(data: bytes, max_pixels: int) -> Cost:
    """Estimate what `read` will cost.

    Raises PictureError for a PNG or JPEG that is too large, or has so many scans that it is slow.
    """
    if data.startswith(PNG_SIGNATURE):
        return _of_png(data, max_pixels)
    if data.startswith(_JPEG_SIGNATURE):
        return _of_jpeg(data, max_pixels)
    return Cost.UNKNOWN


def _of_png(data: bytes, max_pixels: int) -> Cost:
    pixels = int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])
    if pixels > max_pixels:
        raise PictureError(Problem.TOO_MANY_PIXELS)
    if len(data) <= _FEW_BYTES and _ANIMATION not in data:
        return _of_size(data, pixels)
    chunks_left = 16 + len(data) // _BYTES_PER_CHUNK
    for kind, _, _ in chunks_of_png(data):
        chunks_left -= 1
        if not chunks_left or kind == _ANIMATION:
            return Cost.UNKNOWN
    return _of_size(data, pixels)


def _of_jpeg(data: bytes, max_pixels: int) -> Cost:
    width = height = 0
    is_sequential = False
    start = 2
    for _ in range(_MAX_SEGMENTS):
        if start + 9 > len(data) or data[start] != 0xFF or data[start + 1] < 0xC0:
            return Cost.UNKNOWN
        marker = data[start + 1]
        if marker == _START_OF_SCAN:
            break
        if marker in _FRAME_STARTS:
            is_sequential = marker in _SEQUENTIAL
            height = int.from_bytes(data[start + 5 : start + 7])
            width = int.from_bytes(data[start + 7 : start + 9])
        start += 2 + int.from_bytes(data[start + 2 : start + 4])
    else:
        return Cost.UNKNOWN
    pixels = width * height
    if pixels > max_pixels:
        raise PictureError(Problem.TOO_MANY_PIXELS)
    scans = data.count(bytes((0xFF, _START_OF_SCAN)), start)
    if pixels * scans > _MAX_SCANNED_PIXELS:
        raise PictureError(Problem.TOO_SLOW, "JPEG")
    if is_sequential and scans == 1 and pixels > LARGE_PIXELS:
        pixels //= jpeg_reduction(width, height) ** 2
    elif scans > _FEW_SCANS:
        return Cost.UNKNOWN
    return _of_size(data, pixels)


def _of_size(data: bytes, pixels: int) -> Cost:
    if pixels <= _TINY_PIXELS and len(data) <= _TINY_BYTES:
        return Cost.TINY
    return Cost.LIGHT if pixels <= LARGE_PIXELS else Cost.UNKNOWN
