"""A part of a picture that somebody chose."""

from dataclasses import dataclass
from math import isfinite

from PIL import Image


class CropError(ValueError):
    """A crop that cannot be; the message says what to send."""


@dataclass(frozen=True)
class Crop:
    """A rectangle of a picture that is upright, in shares of its width and height, 0..1."""

    left: float
    top: float
    width: float
    height: float

    def of(self, image: Image.Image) -> Image.Image:
        """Return this part of a picture, at least one pixel."""
        left, right = _pixels(self.left, self.width, image.width)
        top, bottom = _pixels(self.top, self.height, image.height)
        return image.crop((left, top, right, bottom))


def parse(text: str) -> Crop | None:
    """Read `left,top,width,height`; nothing, and the whole picture, is None. Raises CropError."""
    if not text.strip():
        return None
    try:
        values = [float(part) for part in text.split(",")]
        left, top, width, height = values
    except ValueError:
        raise CropError(_expected(text)) from None
    is_inside = left >= 0 and top >= 0 and left + width <= 1.001 and top + height <= 1.001
    if not all(map(isfinite, values)) or not is_inside or width <= 0 or height <= 0:
        raise CropError(_expected(text))
    return None if (left, top, width, height) == (0, 0, 1, 1) else Crop(left, top, width, height)


def _pixels(start: float, length: float, total: int) -> tuple[int, int]:
    first = min(int(start * total), total - 1)
    return first, max(first + 1, min(round((start + length) * total), total))


def _expected(text: str) -> str:
    return (
        f"The crop {text[:50]!r} is not possible. Send left,top,width,height as shares of the "
        "upright picture, 0 to 1: crop=0.25,0,0.5,1 is the middle half."
    )
