"""Preprocessing: from any picture to the network's input, the same in evaluation and serving.

Fashion-MNIST's own pictures pass unchanged. Everything else is made the way its authors made
theirs (arXiv:1708.07747, section 2): trim the background, scale the longer edge to 28, centre,
bright article on black.
"""

from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.model import article, foreground, grey, photo
from training.model.crop import Crop
from training.model.foreground import Photo

if TYPE_CHECKING:
    import torch

SIDE = 28
"""Edge of the network's square input, in pixels."""

PIXEL_MEAN = 0.2860
PIXEL_STD = 0.3530
"""Over the 60,000 training pictures, with pixels scaled to 0..1."""

Grey = npt.NDArray[np.uint8]


class NothingToSee(ValueError):  # noqa: N818 - it names a state
    """A picture with nothing in it: of one colour, or transparent all over."""


def preprocess(image: Image.Image, crop: Crop | None = None) -> Grey:
    """Preprocess a picture, or a part of it: uint8 (28, 28), bright article on black, 0..255.

    A grey picture of 28x28 without a rotation mark is returned unchanged, unless its background is
    light. Raises NothingToSee, and whatever Pillow raises on data that it cannot decode (OSError
    most often).
    """
    prepared = prepare(image, crop)
    return prepared if prepared.ndim == 2 else remove_background(prepared)


def prepare(image: Image.Image, crop: Crop | None = None) -> Grey | Photo:
    """Preprocess a picture as far as it takes no network: what is a photo stays one.

    Returns uint8 (28, 28), or a photo, uint8 (H, W, 3), for `remove_background`. Raises as
    `preprocess` does.
    """
    if crop is None and is_model_input(image):
        darkest, lightest = cast(tuple[int, int], image.getextrema())
        if lightest - darkest <= article.BACKGROUND_TOLERANCE:
            raise NothingToSee
        data = image.tobytes()
        pixels = np.frombuffer(data, dtype=np.uint8).reshape(SIDE, SIDE)
        if not _may_be_light(data) or not article.has_light_background(pixels):
            return pixels
    keeps_color = foreground.is_on()
    picture = grey.upright(image, keeps_color=keeps_color)
    if crop is not None:
        picture = crop.of(picture)
    levels = grey.to_grey(picture)
    if keeps_color and photo.is_photo(picture, levels):
        return grey.to_color(picture)
    return _finish(article.trim(article.on_black(levels)))


def remove_background(picture: Photo) -> Grey:
    """Preprocess a photo, uint8 (H, W, 3): find what is in front, and leave out the rest.

    Takes about 0.2 s. Returns uint8 (28, 28). Raises NothingToSee.
    """
    found = photo.to_article(picture)
    if found is None:
        levels = np.asarray(Image.fromarray(picture).convert("L"), dtype=np.float32)
        found = article.trim(article.on_black(levels))
    return _finish(found)


def view(image: Image.Image, crop: Crop | None = None, *, mask: bool) -> Image.Image:
    """Return a picture, or a part of it, upright and of at most 512x512.

    With `mask`, what `preprocess` leaves out of a photo is dimmed. Raises whatever Pillow raises on
    data that it cannot decode (OSError most often).
    """
    picture = grey.upright(image, keeps_color=True)
    if crop is not None:
        picture = crop.of(picture)
    if mask and foreground.is_on() and photo.is_photo(picture, grey.to_grey(picture)):
        return photo.dim_background(grey.to_color(picture))
    return grey.to_shown(picture)


def is_model_input(image: Image.Image) -> bool:
    """Tell whether a picture is grey, 28x28, without a rotation mark."""
    return image.mode == "L" and image.size == (SIDE, SIDE) and "exif" not in image.info


def to_input(images: "npt.NDArray[np.uint8] | torch.Tensor") -> "torch.Tensor":
    """Standardise preprocessed pictures, uint8 (N, 28, 28), to float32, about -0.8..2."""
    import torch

    pixels = torch.as_tensor(images).float()
    return pixels.div_(255).sub_(PIXEL_MEAN).div_(PIXEL_STD)


def _may_be_light(data: bytes) -> bool:
    """Tell from 28x28 grey levels whether at least half of the border may be above 127.

    Much faster than to find the border's median.
    """
    border = data[:SIDE] + data[-SIDE:] + data[::SIDE] + data[SIDE - 1 :: SIDE]
    return sum(border) > len(border) // 2 * 127


def _finish(found: grey.Levels | None) -> Grey:
    if found is None:
        raise NothingToSee
    return _fit(found)


def _fit(found: npt.NDArray[np.float32]) -> Grey:
    """Scale the longer edge to 28 and centre on black."""
    height, width = found.shape
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    scaled = Image.fromarray(found.round().astype(np.uint8)).resize(size, Image.Resampling.BOX)
    canvas = np.zeros((SIDE, SIDE), dtype=np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = np.asarray(scaled)
    return canvas
