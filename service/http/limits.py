"""The limits of a request, and the errors (413) for what exceeds them."""

from functools import cache
from http import HTTPStatus

import settings
from service.http.errors import ApiError

_MEGA = 1_000_000

_FILES_PER_CALL = 10
"""A body with many pictures may be as large as this many of the largest."""

_setting = cache(settings.get_int)  # every request needs three of them


def picture_bytes() -> int:
    """Bytes that a picture file may have: MAX_UPLOAD_MB."""
    return _setting("MAX_UPLOAD_MB") * _MEGA


def call_bytes() -> int:
    """Bytes that a body with many pictures, or an archive, may have."""
    return picture_bytes() * _FILES_PER_CALL


def pixels() -> int:
    """Pixels that a picture may have: MAX_MEGAPIXELS."""
    return _setting("MAX_MEGAPIXELS") * _MEGA


def images_per_call() -> int:
    """Pictures that a call may have: MAX_IMAGES_PER_CALL."""
    return _setting("MAX_IMAGES_PER_CALL")


def request_too_large(max_bytes: int) -> ApiError:
    """Build the error for a body of more than `max_bytes`."""
    return _error(f"The request is larger than {max_bytes / _MEGA:g} MB. Send less at a time.")


def picture_too_large(_max_bytes: int = 0) -> ApiError:
    """Build the error for a picture file of more than `picture_bytes()`."""
    megabytes = picture_bytes() // _MEGA
    return _error(f"The picture is larger than {megabytes} MB. Make it smaller and send it again.")


def too_many_pixels() -> ApiError:
    """Build the error for a picture of more than `pixels()`."""
    megapixels = pixels() // _MEGA
    return _error(
        f"The picture has more than {megapixels} million pixels. Scale it down and send it again."
    )


def too_many_files(field: str, max_files: int) -> ApiError:
    """Build the error for more than `max_files` files in a form's field."""
    return _error(f"There are too many files in '{field}'. Send at most {max_files:,} in a call.")


def too_many_in_array(count: int) -> ApiError:
    """Build the error for an array of more than `images_per_call()` pictures."""
    return _error(
        f"The array holds {count:,} pictures. Send at most {images_per_call():,} in a call."
    )


def _error(message: str) -> ApiError:
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
