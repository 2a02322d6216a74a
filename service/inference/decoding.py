"""Decoding of uploaded pictures and arrays into the model's input."""

import io
import warnings
from functools import cache
from http import HTTPStatus

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from service.http import limits
from service.http.bodies import FORMATS
from service.http.errors import ApiError
from training.model.preprocess import SIDE, preprocess

_COMMON_FORMATS = ("PNG", "JPEG")
"""Tried first. A process that decodes nothing else never loads Pillow's forty other readers."""

# For the whole process: catching warnings around each picture is slow and not thread-safe.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_MEGAPIXELS is stricter

_SMALL_PIXELS = 256 * 256


def open_picture(data: bytes) -> Image.Image:
    """Read a picture's header and check its size. `decode` reads the pixels.

    Raises ApiError: 400 for bytes that are not a picture, 413 for one that is too large.
    """
    if len(data) > limits.picture_bytes():
        raise limits.picture_too_large()
    if not data:
        raise ApiError(HTTPStatus.BAD_REQUEST, "The picture is empty (0 bytes). Send a picture.")
    try:
        image = _open(data)
    except Image.DecompressionBombError as error:
        raise limits.too_many_pixels() from error
    except Exception as error:  # Pillow's readers raise nearly anything on hostile bytes
        raise ApiError(
            HTTPStatus.BAD_REQUEST, f"This is not a picture that can be read. Send {FORMATS}."
        ) from error
    if image.width * image.height > limits.pixels():
        raise limits.too_many_pixels()
    return image


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_COMMON_FORMATS)
    except UnidentifiedImageError:
        return Image.open(io.BytesIO(data), formats=_other_formats())


def load_readers() -> None:
    """Load Pillow's readers of all formats now, which takes 0.1 s.

    Call it before requests: otherwise the first rare picture loads them in the event loop.
    """
    _other_formats()


@cache
def _other_formats() -> list[str]:
    """Load Pillow's other readers, without EPS and WMF, which need Ghostscript and Windows."""
    Image.init()
    return sorted(set(Image.OPEN) - {*_COMMON_FORMATS, "EPS", "WMF"})


def is_small(image: Image.Image) -> bool:
    """Tell whether decoding takes less time than a switch to another thread."""
    return image.width * image.height <= _SMALL_PIXELS


def decode(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Decode an opened picture into the model's input, uint8 (28, 28).

    Raises ApiError (400) for a damaged picture.
    """
    try:
        return preprocess(image)
    except Exception as error:  # Pillow's decoders raise nearly anything on hostile bytes
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            f"The {image.format} picture is damaged or cut off. Save it again and resend it.",
        ) from error


def read_npy(data: bytes) -> npt.NDArray[np.uint8]:
    """Read pictures, uint8 (N, 28, 28), from a file in NumPy's format. Nothing is unpickled.

    Raises ApiError: 413 for more than MAX_IMAGES_PER_CALL, 400 for anything else.
    """
    expected = f"Send a uint8 array of shape (N, {SIDE}, {SIDE}), as numpy.save writes it"
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # the header is parsed as Python: SyntaxError, ValueError, EOFError
        raise ApiError(
            HTTPStatus.BAD_REQUEST, f"The array cannot be read. {expected}, without Python objects."
        ) from error
    if (
        not isinstance(array, np.ndarray)
        or array.dtype != np.uint8
        or array.shape[1:] != (SIDE, SIDE)
    ):
        found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "an archive"
        raise ApiError(HTTPStatus.BAD_REQUEST, f"This is {found}. {expected}.")
    if len(array) > limits.images_per_call():
        raise limits.too_many_in_array(len(array))
    return array
