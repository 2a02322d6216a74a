"""Decoding of uploaded pictures and arrays into the model's input."""

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
"""Read a setting that limits requests. Cached: every request needs three of them."""

_COMMON_FORMATS = ("PNG", "JPEG")
"""Tried first. A process that decodes nothing else never loads Pillow's forty other readers."""

# For the whole process: catching warnings around each picture is slow and not thread-safe.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_MEGAPIXELS is stricter

_FORMAT_NAMES = "PNG, JPEG, GIF, WebP, BMP or TIFF"
_SMALL_PIXELS = 256 * 256


def check_type(media_type: str) -> None:
    """Raise ApiError (415) for a media type, in lower case, that is not a bitmap image."""
    if media_type.startswith("image/svg"):
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"SVG is not supported. Export the drawing as {_FORMAT_NAMES} and send that.",
        )
    if not media_type.startswith("image/"):
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The content type is {media_type or 'missing'}. Send the picture itself as image/png, "
            "image/jpeg, …, or as multipart/form-data with the picture in the field 'image'.",
        )


def open_picture(data: bytes) -> Image.Image:
    """Read a picture's header and check its size. `decode` reads the pixels.

    Raises ApiError: 400 for bytes that are not a picture, 413 for one that is too large.
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
            HTTPStatus.BAD_REQUEST, f"This is not a picture that can be read. Send {_FORMAT_NAMES}."
        ) from error
    if image.width * image.height > limit("MAX_MEGAPIXELS") * 1_000_000:
        raise _too_many_pixels()
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
    max_images = limit("MAX_IMAGES_PER_CALL")
    if len(array) > max_images:
        raise ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The array holds {len(array):,} pictures. Send at most {max_images:,} in a call.",
        )
    return array


def check_size(size_bytes: int) -> None:
    """Raise ApiError (413) for a picture file that is larger than MAX_UPLOAD_MB."""
    if size_bytes > limit("MAX_UPLOAD_MB") * 1_000_000:
        raise too_many_bytes()


def too_many_bytes() -> ApiError:
    """The 413 for a picture file that is larger than MAX_UPLOAD_MB."""
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The picture is larger than {limit('MAX_UPLOAD_MB')} MB. Make it smaller and send it "
        "again.",
    )


def _too_many_pixels() -> ApiError:
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The picture has more than {limit('MAX_MEGAPIXELS')} million pixels. Scale it down and "
        "send it again.",
    )
