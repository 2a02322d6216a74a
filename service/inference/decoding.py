"""Uploads: from bytes to what the network sees, or a refusal that says what to do."""

import io
import warnings
from functools import cache
from http import HTTPStatus

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

import settings
from service.http.errors import ApiError
from training.model.preprocess import SIDE, preprocess

limit = cache(settings.get_int)
"""A setting that limits requests, read once: each of them asks for three."""

_OFTEN = ("PNG", "JPEG")
"""Tried first: who is sent nothing else never loads Pillow's forty other readers."""

# Once and for all: to catch warnings around each picture is slow, and not safe with threads.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter

_KINDS = "PNG, JPEG, GIF, WebP, BMP or TIFF"
_SMALL_PIXELS = 256 * 256


def check_type(kind: str) -> None:
    """Refuse (415) a media type, in small letters, that cannot be a picture of pixels."""
    if kind.startswith("image/svg"):
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"SVG is a drawing, not a picture of pixels. Export it as {_KINDS} and send that.",
        )
    if not kind.startswith("image/"):
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The content type is {kind or 'missing'}. Send the picture itself as image/png, "
            "image/jpeg, …, or as multipart/form-data with the picture in the field 'image'.",
        )


def open_picture(data: bytes) -> Image.Image:
    """Read a picture's header and check its size; its pixels are decoded later.

    Raises ApiError: 400 for what is no picture, 413 for one that is too large.
    """
    check_size(len(data))
    if not data:
        raise ApiError(HTTPStatus.BAD_REQUEST, "The picture is empty (0 bytes). Send a picture.")
    try:
        image = _open(data)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except Exception as error:  # Pillow's readers raise nearly anything on hostile bytes
        raise ApiError(
            HTTPStatus.BAD_REQUEST, f"This is not a picture that can be read. Send {_KINDS}."
        ) from error
    if image.width * image.height > limit("MAX_MEGAPIXELS") * 1_000_000:
        raise _too_many_pixels()
    return image


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_OFTEN)
    except UnidentifiedImageError:
        return Image.open(io.BytesIO(data), formats=_others())


@cache
def _others() -> list[str]:
    """The formats that Pillow reads by itself: EPS and WMF start other programs or need Windows."""
    Image.init()
    return sorted(set(Image.OPEN) - {*_OFTEN, "EPS", "WMF"})


def is_small(image: Image.Image) -> bool:
    """Whether decoding takes less time than handing it to another thread."""
    return image.width * image.height <= _SMALL_PIXELS


def decode(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Decode an opened picture into what the network sees, uint8 (28, 28). Refuses damaged ones."""
    try:
        return preprocess(image)
    except Exception as error:  # Pillow's decoders raise nearly anything on hostile bytes
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            f"The {image.format} picture is damaged or cut off. Save it again and send it anew.",
        ) from error


def read_npy(data: bytes) -> npt.NDArray[np.uint8]:
    """An array in NumPy's format as pictures, uint8 (N, 28, 28). Nothing is unpickled.

    Raises ApiError: 413 for more than MAX_IMAGES_PER_CALL, 400 for anything else.
    """
    expected = f"Send an array of uint8 with the shape (N, {SIDE}, {SIDE}), as numpy.save writes it"
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # the header is parsed as Python: SyntaxError, ValueError, EOFError
        raise ApiError(
            HTTPStatus.BAD_REQUEST, f"The array cannot be read. {expected}, without objects in it."
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.shape[1:] != (28, 28):
        found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "an archive"
        raise ApiError(HTTPStatus.BAD_REQUEST, f"This is {found}. {expected}.")
    at_most = limit("MAX_IMAGES_PER_CALL")
    if len(array) > at_most:
        raise ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The array holds {len(array):,} pictures. Send at most {at_most:,} in a call.",
        )
    return array


def check_size(size_bytes: int) -> None:
    """Refuse (413) a picture file that is larger than MAX_UPLOAD_MB."""
    if size_bytes > limit("MAX_UPLOAD_MB") * 1_000_000:
        raise too_many_bytes()


def too_many_bytes() -> ApiError:
    """The 413 for a picture file that is larger than MAX_UPLOAD_MB."""
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The picture is larger than {limit('MAX_UPLOAD_MB')} MB. Save it smaller and send it "
        "again.",
    )


def _too_many_pixels() -> ApiError:
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The picture has more than {limit('MAX_MEGAPIXELS')} million pixels. Scale it down and "
        "send it again.",
    )
