"""Preprocessing: from any picture to the network's input, the same in evaluation and serving.

Fashion-MNIST's own pictures pass unchanged. Everything else is made the way its authors made
theirs (arXiv:1708.07747, section 2): trim the background, scale the longer edge to 28, centre,
bright article on black.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

if TYPE_CHECKING:
    import torch

SIDE = 28
"""Edge of the network's square input, in pixels."""

PIXEL_MEAN = 0.2860
PIXEL_STD = 0.3530
"""Over the 60,000 training pictures, with pixels scaled to 0..1."""

_WORKING_SIDE = 512
"""Larger pictures are shrunk to this first: 28 pixels need no more, and it bounds the work."""

_BACKGROUND_TOLERANCE = 13
"""Grey levels, 5 % of 255: what Fashion-MNIST's authors counted as background."""

Grey = npt.NDArray[np.uint8]


def preprocess(image: Image.Image) -> Grey:
    """Preprocess a picture: uint8 (28, 28), bright article on black, 0..255.

    A grey picture of 28x28 without a rotation mark is returned unchanged. Raises whatever Pillow
    raises on data that it cannot decode (OSError most often).
    """
    if image.mode == "L" and image.size == (SIDE, SIDE) and "exif" not in image.info:
        return np.asarray(image)
    image = ImageOps.exif_transpose(image)
    article = _on_black(_flatten(image))
    return _fit(_trim(article))


def to_input(images: "npt.NDArray[np.uint8] | torch.Tensor") -> "torch.Tensor":
    """Standardise preprocessed pictures, uint8 (N, 28, 28), to float32, about -0.8..2."""
    import torch

    pixels = torch.as_tensor(images).float()
    return pixels.div_(255).sub_(PIXEL_MEAN).div_(PIXEL_STD)


def _flatten(image: Image.Image) -> npt.NDArray[np.float32]:
    """The picture in grey, 0..255, of at most 512x512. What is transparent contrasts."""
    if image.mode.startswith(("I", "F")):
        image = _to_8_bit(image)
    if not image.has_transparency_data:
        image = image.convert("L")
        image.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
        return np.asarray(image, dtype=np.float32)
    image = image.convert("RGBA")
    image.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / np.float32(255)
    visible = alpha.sum()
    is_dark = visible > 0 and (grey * alpha).sum() / visible < 128
    backdrop = np.full_like(grey, 255 if is_dark else 0)
    return grey * alpha + backdrop * (1 - alpha)


def _to_8_bit(image: Image.Image) -> Image.Image:
    """A 16-bit, 32-bit or floating-point picture with its range scaled to 0..255."""
    levels: npt.NDArray[Any] = np.nan_to_num(np.asarray(image).astype(np.float64))
    if image.mode.startswith("I"):  # 16-bit files; Pillow opens some of them as 32-bit
        levels = levels / 257
    elif levels.max() <= 1:  # floating-point files mostly hold 0..1
        levels = levels * 255
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8), mode="L")


def _on_black(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The picture with its background (the border's median) at 0 and the article bright."""
    border = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    background = np.float32(np.median(border))
    white = np.float32(255)
    if background > 127:
        return ((background - grey) * (white / background)).clip(0, 255)
    return ((grey - background) * (white / (white - background))).clip(0, 255)


def _trim(article: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The smallest rectangle that holds the article; the whole picture if there is none."""
    is_article = article > _BACKGROUND_TOLERANCE
    rows, columns = np.flatnonzero(is_article.any(axis=1)), np.flatnonzero(is_article.any(axis=0))
    if not len(rows):
        return article
    return article[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fit(article: npt.NDArray[np.float32]) -> Grey:
    """Scale the longer edge to 28 and centre on black."""
    height, width = article.shape
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    scaled = Image.fromarray(article.round().astype(np.uint8)).resize(size, Image.Resampling.BOX)
    canvas = np.zeros((SIDE, SIDE), dtype=np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = np.asarray(scaled)
    return canvas
