"""Pictures to try: the pad's samples, coloured and on a light ground, as a shop shows clothes."""

import io
from functools import cache
from typing import Any

from PIL import Image, ImageDraw

from app.components.intake import Example
from app.components.pad import SURFACE
from app.components.pad.samples import SAMPLES

_GROUND = "#f2efe9"
_COLOURS = ("#38598c", "#8c3f3a", "#3f6b4f", "#6b4f7a", "#2f2f33", "#a0672f", "#4a6a78", "#7c6a3a")
_TWICE = 2
"""Drawn at twice the size, for smooth edges."""


@cache
def examples() -> tuple[Example, ...]:
    """Return the examples, each a PNG of SURFACE pixels each way."""
    return tuple(
        Example(sample["name"], _rendered(sample["strokes"], _COLOURS[place % len(_COLOURS)]))
        for place, sample in enumerate(SAMPLES)
    )


def _rendered(strokes: list[dict[str, Any]], colour: str) -> bytes:
    picture = Image.new("RGB", (SURFACE * _TWICE, SURFACE * _TWICE), _GROUND)
    draw = ImageDraw.Draw(picture)
    for stroke in strokes:
        _draw(draw, stroke, colour)
    png = io.BytesIO()
    picture.resize((SURFACE, SURFACE), Image.Resampling.LANCZOS).save(png, "PNG", optimize=True)
    return png.getvalue()


def _draw(draw: ImageDraw.ImageDraw, stroke: dict[str, Any], colour: str) -> None:
    """Draw one stroke of the pad: a darker line for a lighter or darker shade than the sample's."""
    values = [value * _TWICE for value in stroke["points"]]
    points = list(zip(values[::2], values[1::2], strict=True))
    shade = colour if stroke["shade"] else _GROUND
    if stroke["fill"]:
        draw.polygon(points, fill=shade)
        return
    if stroke["shade"] not in (0, 190):
        shade = _darker(colour)
    width = stroke["size"] * _TWICE
    draw.line(points, fill=shade, width=width, joint="curve")
    for x, y in points:
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=shade)


def _darker(colour: str) -> str:
    channels = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{channel * 3 // 5:02x}" for channel in channels)
