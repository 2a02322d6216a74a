"""A picture on which the visitor drags a frame around the part that counts.

`crop()` mounts it. Data from the browser is untrusted: `crop_of` validates it.
"""

import hashlib
from math import isfinite
from typing import Any

from app.components.registration import register
from app.text import images
from app.text.translate import _

LEAST = 0.02
"""Of the width and of the height: a frame is not smaller. As in crop.js."""

_mount = register(__file__)


def crop(png: bytes, *, name: str, key: str) -> str:
    """Mount the component on a picture, a PNG that is upright.

    Returns the frame as the classifier takes it, `left,top,width,height` as shares of the picture,
    0..1; "" for the whole picture. `name` is what the picture is called.
    """
    digest = hashlib.sha256(png).hexdigest()
    data = {"picture": images.data_url(png), "digest": digest, "name": name, "texts": _texts()}
    return crop_of(_mount(key=key, data=data, on_crop_change=lambda: None).get("crop"), digest)


def crop_of(sent: Any, digest: str) -> str:
    """Return the frame that a browser sent for the picture with this digest, "" if it is none."""
    if not isinstance(sent, dict) or sent.get("digest") != digest:
        return ""
    frame = sent.get("frame")
    if not isinstance(frame, list) or len(frame) != 4 or not all(map(_is_share, frame)):
        return ""
    left, top, width, height = frame
    if min(width, height) < LEAST or left + width > 1.001 or top + height > 1.001:
        return ""
    return ",".join(f"{value:.4f}" for value in frame)


def _texts() -> dict[str, str]:
    return {
        "hint": _("Drag a frame around one item."),
        "reset": _("Reset"),
        "whole": _("Frame around the whole picture."),
        "frame": _(
            "Frame: {width} % wide and {height} % high, {left} % from the left, {top} % from the "
            "top."
        ),
        "keys": _("Shift and arrow keys resize it, arrow keys move it, Escape resets it."),
    }


def _is_share(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isfinite(value) and 0 <= value <= 1
