"""The pad's texts in the visitor's language."""

from typing import Any

from app.text.translate import _


def texts() -> dict[str, Any]:
    """Return the texts by their names in pad.html and pad.js; `keys` are rows of the shortcuts."""
    return {
        "samples": _("Samples to try"),
        "empty": _("Drawing pad, empty"),
        "strokes": _("Drawing pad, strokes: {count}"),
        "hint": _("Draw a piece of clothing"),
        "drawing_keys": _("Arrow keys move the brush. Space starts and ends a line."),
        "tools": _("Drawing tools"),
        "brush": _("Brush"),
        "brush_size": _("Brush size"),
        "shade": _("Shade"),
        "white": _("White"),
        "light_grey": _("Light grey"),
        "grey": _("Grey"),
        "dark_grey": _("Dark grey"),
        "fill": _("Fill shapes"),
        "fill_explained": _(
            "Fill shapes colours a line that ends where it began. Other lines stay lines, such as "
            "the handle of a bag, and nothing inside a shape is painted over."
        ),
        "eraser": _("Eraser"),
        "undo": _("Undo"),
        "redo": _("Redo"),
        "clear": _("Clear"),
        "share": _("Share"),
        "shortcuts": _("Keyboard shortcuts"),
        "full": _("This drawing is full. Undo or clear some strokes to draw more."),
        "copied": _("Link copied. It holds the drawing itself; nothing is stored."),
        "in_address": _("The address of this page now holds the drawing. Copy it from there."),
        "too_long": _("This drawing has too many strokes for a link."),
        "broken_link": _("This link holds no drawing that can be read."),
        "keys": _shortcuts(),
    }


def _shortcuts() -> list[tuple[str, str]]:
    return [
        ("[   ]", _("Smaller or larger brush")),
        ("1 2 3 4", _("Shade, white to dark grey")),
        ("E", _("Eraser on or off")),
        ("F", _("Fill shapes on or off")),
        ("Z", _("Undo")),
        ("Y", _("Redo")),
        (_("Delete"), _("Clear the pad")),
        ("?", _("Show or hide this list")),
        (_("Arrow keys"), _("Move the brush on the focused pad; with Shift, finely")),
        (_("Space"), _("Start or end a line there; Escape discards it")),
    ]
