"""What counts in a picture for a class: as a picture with colours, and in words."""

import io
from collections.abc import Sequence

from PIL import Image

from app.text.translate import N_

PIXELS = 224
"""Width and height of the coloured picture."""

_FOR, _AGAINST = (78, 205, 170), (236, 140, 72)
_MAX_ALPHA = 215
_DIMMED = 0.75
"""How much of its brightness the picture keeps below the colours."""

_LEAST = 0.08
"""Importance below which a pixel has no colour."""

_NAMED_SHARE = 0.5
"""Of what counts for the class: so much of it lies in the parts that are named."""

_MAX_NAMED = 3

PLACES = (
    (N_("top left"), N_("top"), N_("top right")),
    (N_("left"), N_("middle"), N_("right")),
    (N_("bottom left"), N_("bottom"), N_("bottom right")),
)
"""The parts of an article, a third of its height and width each."""

Importance = Sequence[Sequence[float]]
"""How much each pixel counts for the class, -1..1, row by row."""


def colour(picture: bytes, importance: Importance) -> bytes:
    """Return a picture, a PNG, with what counts for the class in green, against it in orange.

    As a PNG of `PIXELS` each way.
    """
    with Image.open(io.BytesIO(picture)) as opened:
        grey = opened.convert("L")
    size = (PIXELS, PIXELS)
    dimmed = grey.point(lambda value: value * _DIMMED).resize(size, Image.Resampling.NEAREST)
    layer = Image.new("RGBA", grey.size)
    layer.putdata([_colour(value) for row in importance for value in row])
    shown = dimmed.convert("RGBA")
    shown.alpha_composite(layer.resize(size, Image.Resampling.BICUBIC))
    file = io.BytesIO()
    shown.convert("RGB").save(file, "PNG")
    return file.getvalue()


def places(importance: Importance) -> list[str]:
    """Return the parts of the article in which most of what counts for the class lies.

    Untranslated, as in `PLACES`, the most important first; empty if nothing counts.
    """
    cells = [
        (row, column, value)
        for row, values in enumerate(importance)
        for column, value in enumerate(values)
        if value
    ]
    if not cells:
        return []
    top, left = min(cell[0] for cell in cells), min(cell[1] for cell in cells)
    height = max(cell[0] for cell in cells) - top + 1
    width = max(cell[1] for cell in cells) - left + 1
    sums = {name: 0.0 for names in PLACES for name in names}
    for row, column, value in cells:
        place = PLACES[(row - top) * 3 // height][(column - left) * 3 // width]
        sums[place] += max(value, 0.0)
    total, named = sum(sums.values()), list[str]()
    for place in sorted(sums, key=lambda name: -sums[name])[:_MAX_NAMED]:
        if sum(sums[name] for name in named) < _NAMED_SHARE * total:
            named.append(place)
    return named


def counts_against(importance: Importance) -> bool:
    """Whether some part speaks visibly against the class."""
    return any(value < -2 * _LEAST for row in importance for value in row)


def _colour(value: float) -> tuple[int, int, int, int]:
    if abs(value) < _LEAST:
        return (*(_FOR if value >= 0 else _AGAINST), 0)
    return (*(_FOR if value > 0 else _AGAINST), round(_MAX_ALPHA * min(abs(value), 1)))
