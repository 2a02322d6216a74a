"""What no stored text may hold, wherever it comes from: a call, a form, a table."""

import re
from collections.abc import Mapping
from typing import Any

SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of a character. JSON can name one, and UTF-8 cannot hold it: the text would be unreadable
from then on."""

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters, without the tab and the line breaks."""


def find_problem(text: str, max_length: int) -> str | None:
    """Return what is wrong with a text, as the end of a sentence about it; None if nothing is.

    Wrong are more than `max_length` characters, half a character, and control characters other
    than tab and line breaks.
    """
    if len(text) > max_length:
        return f"is longer than {max_length:,} characters"
    if SURROGATES.search(text):
        return "holds half a character (a lone surrogate). Send whole ones"
    if found := _CONTROLS.search(text):
        return f"holds a control character (U+{ord(found[0]):04X}). Leave it out"
    return None


def without_surrogates(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with question marks for halves of characters, which an older release stored."""
    return {
        name: SURROGATES.sub("?", value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def abridged(text: str, max_length: int = 60) -> str:
    """Quote a text in a message: printable, and cut off when it is long."""
    shown = text if len(text) <= max_length else f"{text[:max_length]}…"
    return repr(shown)
