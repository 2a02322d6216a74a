"""The crop that a request asks for."""

from collections.abc import Mapping
from http import HTTPStatus

from service.http.errors import ApiError
from training.model import crop
from training.model.crop import Crop

FIELD = "crop"
DESCRIPTION = (
    "The part of the picture that counts: left, top, width and height, separated by commas, as "
    "shares of the upright picture, 0 to 1. `0.25,0,0.5,1` is the middle half. Without it, all."
)


def asked_for(*sources: Mapping[str, str]) -> Crop | None:
    """Return the crop in the first of the sources that has one: a query, a form's texts.

    None stands for the whole picture. Raises ApiError (400) if it is not possible.
    """
    text = next((source[FIELD] for source in sources if source.get(FIELD)), "")
    return read(text.strip('"'))  # BentoML's client sends texts as JSON


def read(text: str) -> Crop | None:
    """Return the crop that a text describes, None if it is empty. Raises ApiError (400)."""
    try:
        return crop.parse(text)
    except crop.CropError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, str(error)) from error
