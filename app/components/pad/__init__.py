"""Drawing pad: a Streamlit component that returns the visitor's drawing.

`pad()` mounts it. Data from the browser is untrusted: `drawing_of` validates it.
"""

import base64
import binascii
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import streamlit as st

from app.components.pad.samples import SAMPLES
from app.components.pad.texts import texts
from app.components.registration import register

SURFACE = 448  # pixels each way; as in strokes.js
MAX_STROKES = 500
MAX_COORDINATES = 40_000
MAX_PNG_BYTES = 1_000_000

_PNG_START = b"\x89PNG\r\n\x1a\n"
_DATA_URL = "data:image/png;base64,"
_STATE_KEY = "drawing"
_mount = register(__file__, scripts=("strokes.js", "link.js", "keys.js", "pad.js"))


@dataclass(frozen=True)
class Stroke:
    """One stroke. `points` are x and y in turn, 0..SURFACE; `shade` 0..255, 0 erases."""

    points: tuple[int, ...]
    size: int
    shade: int
    fill: bool


@dataclass(frozen=True)
class Drawing:
    """A drawing, white on black as in Fashion-MNIST. `number` counts changes to the pad.

    `png` is None while there is nothing to see: no stroke, or everything is erased.
    """

    png: bytes | None
    strokes: tuple[Stroke, ...]
    number: int


EMPTY = Drawing(png=None, strokes=(), number=0)


def pad(*, key: str) -> Drawing:
    """Mount the pad and return its drawing.

    The drawing survives a change of page, not a reload of the browser.
    """
    stored: Drawing = st.session_state.get(_STATE_KEY, EMPTY)
    data = {
        "strokes": [asdict(stroke) for stroke in stored.strokes],
        "number": stored.number,
        "samples": SAMPLES,
        "texts": texts(),
        "max_strokes": MAX_STROKES,
        "max_coordinates": MAX_COORDINATES,
    }
    sent = _mount(key=key, data=data, on_drawing_change=lambda: None).get("drawing")
    drawing = drawing_of(sent)
    if drawing is None:
        return stored
    st.session_state[_STATE_KEY] = drawing
    return drawing


def has_drawn() -> bool:
    """Return whether the visitor has drawn anything yet."""
    return bool(st.session_state.get(_STATE_KEY, EMPTY).number)


def drawing_of(sent: Any) -> Drawing | None:
    """Return the drawing that a browser sent, None if it is missing or invalid."""
    if not isinstance(sent, dict) or not isinstance(sent.get("strokes"), list):
        return None
    number = _whole(sent.get("number"), 0, 2**31)
    strokes = tuple(_stroke_of(one) for one in sent["strokes"][:MAX_STROKES])
    if number is None or None in strokes:
        return None
    valid = tuple(stroke for stroke in strokes if stroke is not None)
    if sum(len(stroke.points) for stroke in valid) > MAX_COORDINATES:
        return None
    png = _png_of(sent.get("png"))
    if png is None and sent.get("png") is not None:
        return None
    return Drawing(png=png if valid else None, strokes=valid, number=number)


def _stroke_of(sent: Any) -> Stroke | None:
    if not isinstance(sent, dict) or not isinstance(sent.get("points"), list):
        return None
    points = tuple(_whole(value, 0, SURFACE) for value in sent["points"])
    size = _whole(sent.get("size"), 1, SURFACE)
    shade = _whole(sent.get("shade"), 0, 255)
    if size is None or shade is None or not points or len(points) % 2:
        return None
    known = tuple(value for value in points if value is not None)
    if len(known) < len(points):
        return None
    return Stroke(points=known, size=size, shade=shade, fill=bool(sent.get("fill")))


def _whole(value: Any, low: int, high: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return round(value) if low <= value <= high else None


def _png_of(sent: Any) -> bytes | None:
    if not isinstance(sent, str) or not sent.startswith(_DATA_URL):
        return None
    if len(sent) > MAX_PNG_BYTES * 4 // 3:
        return None
    try:
        png = base64.b64decode(sent.removeprefix(_DATA_URL), validate=True)
    except (binascii.Error, ValueError):
        return None
    return png if png.startswith(_PNG_START) else None
