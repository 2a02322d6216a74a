"""Photos: told from drawings and scans, and made into the network's input without their background.

What is left of a photo is treated as Fashion-MNIST's authors treated theirs (arXiv:1708.07747,
section 2), whose articles lay on white: grey, negated, on black.
"""

import numpy as np
from PIL import Image

from training.model import article, foreground
from training.model.foreground import Photo
from training.model.grey import COLOR_MODES, Levels

_COLORFUL = 4
"""Levels by which a pixel's largest and smallest color differ, for it to count as colorful."""

_COLORFUL_SHARE = 0.05
"""Of the pixels: with fewer, a picture is grey."""

_LEAST_SIDE = 48
"""Pixels of the shorter edge: a smaller picture is no photo."""

_SAMPLE = (64, 64)
"""Pixels, across and down, whose colors are counted."""

_LEAST_SHARE = 0.01
"""Of a photo's pixels: when less is in front, nothing was found."""

_CONTRAST = (2, 98)
"""Percentiles of the article's levels that become black and white."""

_LEAST_CONTRAST = 8


def is_photo(image: Image.Image, grey: Levels) -> bool:
    """Tell whether an upright picture is a photo: in color, opaque, before no plain background.

    `grey` are its levels, 0..255. A drawing, a scan and an article before one color are no photos:
    `article` finds what is in them.
    """
    if min(grey.shape) < _LEAST_SIDE or image.mode not in COLOR_MODES:
        return False
    if article.has_plain_background(grey) or not _is_opaque(image):
        return False
    sample = image.resize(_SAMPLE, Image.Resampling.NEAREST).convert("RGB")
    colors = np.asarray(sample, dtype=np.int16)
    is_colorful = colors.max(axis=2) - colors.min(axis=2) > _COLORFUL
    return bool(is_colorful.mean() >= _COLORFUL_SHARE)


def to_article(photo: Photo) -> Levels | None:
    """Return the article of a photo, bright on black, 0..255; None if none is found."""
    mask = foreground.find(photo)
    is_article = mask > 0.5
    if is_article.mean() < _LEAST_SHARE:
        return None
    negated = 255 - np.asarray(Image.fromarray(photo).convert("L"), dtype=np.float32)
    low, high = np.percentile(negated[is_article], _CONTRAST)
    stretched = (negated - low) * (255 / max(high - low, _LEAST_CONTRAST))
    rows, columns = article.extent(is_article)
    on_black: Levels = (stretched.clip(0, 255) * mask)[rows, columns].astype(np.float32)
    return on_black


def dim_background(photo: Photo) -> Image.Image:
    """Return the photo with its background dimmed, to show what `to_article` keeps."""
    mask = foreground.find(photo)[..., None]
    dimmed = photo * 0.25 + 48
    return Image.fromarray((photo * mask + dimmed * (1 - mask)).astype(np.uint8))


def _is_opaque(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return True
    return image.convert("RGBA").getchannel("A").getextrema() == (255, 255)
