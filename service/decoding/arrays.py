"""Arrays of pictures that are preprocessed already."""

import io
from http import HTTPStatus

import numpy as np
import numpy.typing as npt

from service.http import limits
from service.http.errors import ApiError
from training.model.preprocess import SIDE


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
