"""The gallery: pictures with their classes, each with the ways to change it.

`gallery()` mounts it. What the browser sends back is not trusted: `action_of` reads it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app.text.images import data_url

ACTIONS = ("accept", "relabel", "delete", "undo")

_HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "wardrobe_gallery",
    html=(_HERE / "gallery.html").read_text(encoding="utf-8"),
    css=(_HERE / "gallery.css").read_text(encoding="utf-8"),
    js=(_HERE / "gallery.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Card:
    """One picture, a PNG of 28x28 pixels. `acceptable`: it has a button that says it is right.
    `asks`: nobody has said yet what it shows, so no class is chosen on it.

    `tone` is the colour of its state's mark: `plain`, `good`, `doubtful` or `bad`.
    """

    id: int
    label: str
    tone: str
    state: str
    said: str
    reason: str
    origin: str
    held_out: bool
    acceptable: bool
    asks: bool
    png: bytes


@dataclass(frozen=True)
class Action:
    """What was clicked: one of ACTIONS, on the card `id`; `label` is the class that was chosen."""

    name: str
    id: int = 0
    label: str = ""


def gallery(
    cards: Sequence[Card],
    class_names: Sequence[str],
    *,
    notice: str | None,
    undoable: bool,
    on_action: Callable[[Action], None],
    key: str,
) -> None:
    """Shows the cards, and calls `on_action` before the page runs anew because of a click.

    `notice` tells what was done last; `undoable` gives it a button.
    """
    data = {
        "cards": [_told(card) for card in cards],
        "class_names": list(class_names),
        "notice": notice,
        "undoable": undoable,
    }

    def clicked() -> None:
        action = action_of(st.session_state[key].get("action"), class_names)
        if action is not None:
            on_action(action)

    _mount(key=key, data=data, on_action_change=clicked)


def action_of(sent: Any, class_names: Sequence[str]) -> Action | None:
    """The action in what a browser sent; None if that is none."""
    if not isinstance(sent, dict) or sent.get("name") not in ACTIONS:
        return None
    number, label = sent.get("id", 0), sent.get("label", "")
    if type(number) is not int or (sent["name"] == "relabel" and label not in class_names):
        return None
    return Action(sent["name"], number, str(label))


def _told(card: Card) -> dict[str, Any]:
    told = asdict(card)
    return {**told, "png": data_url(card.png)}
