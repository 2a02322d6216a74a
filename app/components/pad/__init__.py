"""The drawing pad: a Streamlit component that answers with what a person has drawn.

`pad()` mounts it. What the browser sends back is not trusted: `drawing_of` reads it.
"""

import base64
import binascii
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import streamlit as st

from app.components.pad.samples import SAMPLES

SURFACE = 448  # pixels each way; as in pad.js
MAX_STROKES = 500
MAX_COORDINATES = 40_000
MAX_PNG_BYTES = 1_000_000

_PNG_START = b"\x89PNG\r\n\x1a\n"
_DATA_URL = "data:image/png;base64,"
_KEPT = "drawing"
_HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "wardrobe_pad",
    html=(_HERE / "pad.html").read_text(encoding="utf-8"),
    css=(_HERE / "pad.css").read_text(encoding="utf-8"),
    js=(_HERE / "pad.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Stroke:
    """One line. `points` are x and y in turn, 0..SURFACE; `shade` 0..255, 0 erases."""

    points: tuple[int, ...]
    size: int
    shade: int
    fill: bool


@dataclass(frozen=True)
class Drawing:
    """A drawing: white on black, as the model likes it. `number` counts changes to the pad.

    `png` is None while nothing is drawn.
    """

    png: bytes | None
    strokes: tuple[Stroke, ...]
    number: int


EMPTY = Drawing(png=None, strokes=(), number=0)


def pad(*, key: str) -> Drawing:
    """Shows the pad and returns what is drawn on it.

    The drawing outlives a change of page, not a reload of the browser.
    """
    kept: Drawing = st.session_state.get(_KEPT, EMPTY)
    data = {
        "strokes": [asdict(stroke) for stroke in kept.strokes],
        "number": kept.number,
        "samples": SAMPLES,
    }
    sent = _mount(key=key, data=data, on_drawing_change=lambda: None).get("drawing")
    drawing = drawing_of(sent)
    if drawing is None:
        return kept
    st.session_state[_KEPT] = drawing
    return drawing


def drawing_of(sent: Any) -> Drawing | None:
    """The drawing in what a browser sent; None if that is nothing, or not a drawing."""
    if not isinstance(sent, dict) or not isinstance(sent.get("strokes"), list):
        return None
    number = _whole(sent.get("number"), 0, 2**31)
    strokes = tuple(_stroke_of(one) for one in sent["strokes"][:MAX_STROKES])
    if number is None or None in strokes:
        return None
    kept = tuple(stroke for stroke in strokes if stroke is not None)
    if sum(len(stroke.points) for stroke in kept) > MAX_COORDINATES:
        return None
    png = _png_of(sent.get("png"))
    if png is None and kept:
        return None
    return Drawing(png=png if kept else None, strokes=kept, number=number)


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
