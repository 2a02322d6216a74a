"""Find the article in a grey picture: its background, and the rectangle that holds it."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Levels = npt.NDArray[np.float32]

BACKGROUND_TOLERANCE = 13
"""Grey levels, 5 % of 255: what Fashion-MNIST's authors counted as background."""

_PLAIN_TOLERANCE = 3
"""Grey levels: a camera's noise and the shadows in a room are more."""

_EVEN_SHARE = 0.8
"""A background is even if so much of the border is within the tolerance."""

_MOSTLY_EVEN_SHARE = 0.5

_SPECK_SHARE = 0.002
"""Of the article's pixels: fewer, with empty rows or columns in between, are dust."""

_LEAST_SHARE = 0.0001
"""Of all pixels: fewer are nothing."""

_AVERAGED_BLOCKS = (1, 2, 4)
"""Edges of the blocks that are averaged until the background is even, against dithering."""

_LEAST_SIDE = 56
"""Pixels of the longer edge that averaging leaves."""

_FITS = 4


def on_black(grey: Levels) -> Levels:
    """Return the article bright on black, 0..255, in a picture of the same or a smaller size.

    The background is the border's median. If the border is not even, it is a plane through the
    border's levels, in a picture that is averaged in small blocks if need be. A picture with no
    even background at all is taken as it is.
    """
    border = _border(grey)
    median = np.float32(np.median(border))
    if _share_near(border, median) >= _EVEN_SHARE:
        return _subtract(grey, median, is_light=bool(median > 127))
    for block in _AVERAGED_BLOCKS:
        if max(grey.shape) < block * _LEAST_SIDE:
            break
        averaged = _average(grey, block)
        border = _border(averaged)
        middle = np.float32(np.median(border))
        if _share_near(border, middle) >= _EVEN_SHARE:
            return _subtract(averaged, middle, is_light=bool(middle > 127))
        plane, share = _fit_plane(border, averaged.shape)
        if share >= _EVEN_SHARE:
            return _subtract(averaged, plane, is_light=bool(middle > 127))
    return _subtract(grey, median, is_light=bool(median > 127))


def has_plain_background(grey: Levels) -> bool:
    """Tell whether most of the border of a picture is of one level, as if it were drawn."""
    border = _border(grey)
    is_near = np.abs(border - np.median(border)) <= _PLAIN_TOLERANCE
    return bool(is_near.mean() >= _EVEN_SHARE)


def trim(article: Levels) -> Levels | None:
    """Return the smallest rectangle that holds the article, None if there is nothing.

    Specks of dust beside the article do not count.
    """
    is_article = article > BACKGROUND_TOLERANCE
    if is_article.mean() <= _LEAST_SHARE:
        return None
    return article[extent(is_article)]


def extent(is_article: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and the columns of the smallest rectangle that holds the article.

    Some pixels must be of the article, True. Specks of dust beside it do not count.
    """
    rows = _extent(is_article.sum(axis=1))
    return rows, _extent(is_article[rows].sum(axis=0))


def has_light_background(grey: npt.NDArray[np.uint8]) -> bool:
    """Tell whether the border of a picture, uint8, is light and mostly even."""
    border = _border(grey).astype(np.float32)
    median = np.float32(np.median(border))
    return bool(median > 127) and _share_near(border, median) >= _MOSTLY_EVEN_SHARE


def _subtract(grey: Levels, background: np.float32 | Levels, *, is_light: bool) -> Levels:
    white = np.float32(255)
    if is_light:
        return ((background - grey) * (white / background)).clip(0, 255)
    return ((grey - background) * (white / (white - background))).clip(0, 255)


def _border(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate((picture[0], picture[-1], picture[:, 0], picture[:, -1]))


def _share_near(border: Levels, background: np.float32 | Levels) -> float:
    return float((np.abs(border - background) <= BACKGROUND_TOLERANCE).mean())


def _average(grey: Levels, block: int) -> Levels:
    """The means of blocks of pixels. What does not fill a block at the right and below is cut."""
    height, width = grey.shape[0] // block, grey.shape[1] // block
    if block == 1 or not height or not width:
        return grey
    blocks = grey[: height * block, : width * block].reshape(height, block, width, block)
    means: Levels = blocks.mean(axis=(1, 3))
    return means


def _fit_plane(border: Levels, shape: tuple[int, ...]) -> tuple[Levels, float]:
    """A plane of levels, 1..254, through a border, and the share of the border that is near it.

    The levels that deviate most are left out of the fit: an article may touch the border.
    """
    down = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    across = np.linspace(0, 1, shape[1], dtype=np.float32)[None]
    zeros = np.zeros(shape, dtype=np.float32)
    places = _border(down + zeros), _border(across + zeros)
    terms = np.stack((np.ones_like(places[0]), *places), axis=1)
    used = np.ones(len(border), dtype=bool)
    for _ in range(_FITS):
        plane = np.linalg.lstsq(terms[used], border[used], rcond=None)[0]
        deviation = np.abs(border - terms @ plane)
        used = deviation <= max(np.median(deviation) * 2, BACKGROUND_TOLERANCE / 2)
    levels = (plane[0] + plane[1] * down + plane[2] * across).clip(1, 254).astype(np.float32)
    return levels, _share_near(border, _border(levels))


def _extent(counts: npt.NDArray[np.int64]) -> slice:
    """The rows (or columns) from the article's first to its last.

    `counts` are the article's pixels in each.
    """
    occupied = np.flatnonzero(counts)
    gaps = np.flatnonzero(np.diff(occupied) > 1) + 1
    first, last = 0, len(occupied)
    if len(gaps):
        dust = counts.sum() * _SPECK_SHARE
        starts = [0, *gaps.tolist(), last]
        weights = [counts[occupied[a:b]].sum() for a, b in pairwise(starts)]
        heavy = [number for number, weight in enumerate(weights) if weight > dust]
        if heavy:
            first, last = starts[heavy[0]], starts[heavy[-1] + 1]
    return slice(int(occupied[first]), int(occupied[last - 1]) + 1)
