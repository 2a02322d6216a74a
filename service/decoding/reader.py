"""Reading of picture files by Pillow. Imports no server and no torch: service/decoding/worker.py
has to start fast.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import IntEnum
from functools import cache
from typing import TypeVar

import numpy as np
from PIL import AvifImagePlugin, Image, UnidentifiedImageError

from training.model import preprocess
from training.model.crop import Crop
from training.model.foreground import Photo
from training.model.grey import LARGE_PIXELS
from training.model.preprocess import Grey, NothingToSee

_Result = TypeVar("_Result")

COMMON_FORMATS = ("PNG", "JPEG")
"""Tried first. A process that decodes nothing else never loads Pillow's forty other readers."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MAX_FRAMES = 50
"""Frames of an animation that are searched for one with something in it."""

_TEXT_CHUNKS = {b"tEXt", b"zTXt", b"iTXt", b"iCCP"}

# For the whole process: catching warnings around each picture is slow and not thread-safe.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_MEGAPIXELS is stricter


class Problem(IntEnum):
    """Why a picture has no pixels for the model."""

    NOT_A_PICTURE = 1
    DAMAGED = 2
    TOO_MANY_PIXELS = 3
    TOO_MUCH_MEMORY = 4
    TOO_SLOW = 5
    NOTHING_TO_SEE = 6
    BUSY = 7


class PictureError(Exception):
    """A picture that cannot be used. `picture_format` is Pillow's name, "" if it is unknown."""

    def __init__(self, problem: Problem, picture_format: str = "") -> None:
        super().__init__(problem, picture_format)
        self.problem = problem
        self.picture_format = picture_format


def read(data: bytes, max_pixels: int, crop: Crop | None = None) -> Grey | Photo:
    """Return the model's input, uint8 (28, 28), for a picture file or a part of it.

    A photo is returned as such, uint8 (H, W, 3): `remove_background` makes the model's input of
    it. Raises PictureError.
    """
    return _read(data, max_pixels, lambda image: preprocess.prepare(image, crop))


def remove_background(photo: Photo) -> Grey:
    """Return the model's input, uint8 (28, 28), for a photo, uint8 (H, W, 3). Takes 0.2 s.

    Raises PictureError.
    """
    try:
        return preprocess.remove_background(photo)
    except NothingToSee as error:
        raise PictureError(Problem.NOTHING_TO_SEE) from error


def view(data: bytes, max_pixels: int, crop: Crop | None, *, mask: bool) -> bytes:
    """Return a picture file or a part of it upright, as a PNG of at most 512x512.

    With `mask`, the background of a photo is dimmed. Raises PictureError.
    """
    shown = _read(data, max_pixels, lambda image: preprocess.view(image, crop, mask=mask))
    file = io.BytesIO()
    shown.save(file, "PNG", compress_level=1)
    return file.getvalue()


def read_model_input(data: bytes) -> Grey | None:
    """Return the pixels of a grey picture of 28x28, None if it is another one.

    Raises PictureError.
    """
    image = _open(data)
    if not preprocess.is_model_input(image):
        return None
    try:
        return np.asarray(image)
    except Exception as error:  # as in _read
        raise PictureError(Problem.DAMAGED, image.format or "") from error


def chunks_of_png(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each chunk of a PNG file, and where it starts and ends."""
    start = len(PNG_SIGNATURE)
    while start + 8 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4])
        yield data[start + 4 : start + 8], start, end
        start = end


def load_readers() -> list[str]:
    """Load Pillow's readers of all formats and libheif's, and return their names.

    Without EPS and WMF, which need Ghostscript and Windows.
    """
    import pi_heif

    Image.init()
    pi_heif.options.DECODE_THREADS = AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pi_heif.register_heif_opener()
    return sorted(set(Image.OPEN) - {*COMMON_FORMATS, "EPS", "WMF"})


_other_formats = cache(load_readers)


def _read(data: bytes, max_pixels: int, use: Callable[[Image.Image], _Result]) -> _Result:
    """Open a picture file and return what `use` makes of it. Raises PictureError.

    Texts and colour profiles of a PNG that Pillow refuses, as it does above 1 MB, are left out.
    """
    try:
        return _use(data, max_pixels, use)
    except PictureError as error:
        if error.problem not in (Problem.NOT_A_PICTURE, Problem.DAMAGED):
            raise
        pixels_only = _without_texts(data)
        if pixels_only is None:
            raise
        return _use(pixels_only, max_pixels, use)


def _use(data: bytes, max_pixels: int, use: Callable[[Image.Image], _Result]) -> _Result:
    image = _open(data)
    if image.width * image.height > max_pixels:
        raise PictureError(Problem.TOO_MANY_PIXELS)
    picture_format = image.format or ""
    try:
        return _first_frame_with_something(image, use)
    except NothingToSee as error:
        raise PictureError(Problem.NOTHING_TO_SEE) from error
    except MemoryError as error:
        raise PictureError(Problem.TOO_MUCH_MEMORY) from error
    except Exception as error:  # Pillow's decoders raise nearly anything on hostile bytes
        raise PictureError(Problem.DAMAGED, picture_format) from error


def _open(data: bytes) -> Image.Image:
    try:
        try:
            return Image.open(io.BytesIO(data), formats=COMMON_FORMATS)
        except UnidentifiedImageError:
            return Image.open(io.BytesIO(data), formats=_other_formats())
    except Image.DecompressionBombError as error:
        raise PictureError(Problem.TOO_MANY_PIXELS) from error
    except MemoryError as error:
        raise PictureError(Problem.TOO_MUCH_MEMORY) from error
    except Exception as error:  # Pillow's readers raise nearly anything on hostile bytes
        raise PictureError(Problem.NOT_A_PICTURE) from error


def _first_frame_with_something(
    image: Image.Image, use: Callable[[Image.Image], _Result]
) -> _Result:
    """Use the first frame that is not blank. Raises NothingToSee if there is none.

    Large frames are searched as far as `LARGE_PIXELS` allow for all together.
    """
    try:
        return use(image)
    except NothingToSee:
        frames = min(_MAX_FRAMES, 1 + _MAX_FRAMES * LARGE_PIXELS // (image.width * image.height))
        for number in range(1, frames):
            with suppress(NothingToSee):
                return use(_frame(image, number))
        raise


def _frame(image: Image.Image, number: int) -> Image.Image:
    try:
        image.seek(number)
    except Exception as error:  # EOFError after the last frame, and anything if it is damaged
        raise NothingToSee from error
    return image


def _without_texts(data: bytes) -> bytes | None:
    """A PNG file without its texts and its colour profile; None if that is not different."""
    if not data.startswith(PNG_SIGNATURE):
        return None
    kept, is_changed = [PNG_SIGNATURE], False
    for kind, start, end in chunks_of_png(data):
        if kind in _TEXT_CHUNKS:
            is_changed = True
        else:
            kept.append(data[start:end])
    return b"".join(kept) if is_changed else None
