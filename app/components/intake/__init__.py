"""Ways to hand pictures to a file chooser: drop them anywhere, paste them, or pick an example.

`intake()` mounts it. The browser gives dropped and pasted files to Streamlit's file chooser, which
uploads them as if they had been chosen there. Data from the browser is untrusted: `chosen_of`
validates it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.components.registration import register
from app.text.images import data_url
from app.text.translate import _

_mount = register(__file__)


@dataclass(frozen=True)
class Example:
    """A picture to try: a PNG, and what it shows."""

    name: str
    png: bytes


def intake(
    examples: Sequence[Example],
    *,
    into: str,
    on_examples: Callable[[list[Example]], None],
    key: str,
) -> None:
    """Mount the component. While it is in sight, it takes what is dropped or pasted on the page.

    Without `examples` there is nothing to see. `into` is the key of the container with the file
    chooser. `on_examples` runs with the examples that were picked, before the page reruns.
    """
    data = {
        "into": into,
        "examples": [{"name": one.name, "png": data_url(one.png)} for one in examples],
        "texts": {
            "hint": _("Drop pictures anywhere on this page, or paste them."),
            "drop": _("Drop the pictures here"),
            "pasted": _("Pasted picture"),
            "examples": _("No picture at hand? Try an example:"),
            "all": _("Try all"),
            "try": _("Try: {name}"),
        },
    }

    def handle_click() -> None:
        picked = chosen_of(st.session_state[key].get("example"), examples)
        if picked:
            on_examples(picked)

    _mount(key=key, data=data, on_example_change=handle_click)


def chosen_of(sent: Any, examples: Sequence[Example]) -> list[Example]:
    """Return the examples whose places a browser sent, none if what it sent is invalid."""
    if not isinstance(sent, list) or not all(type(place) is int for place in sent):
        return []
    return [one for place, one in enumerate(examples) if place in sent]
