"""Gallery of corrections: pictures with their classes, and buttons to change them.

`gallery()` mounts it. Data from the browser is untrusted: `action_of` validates it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from app.components.registration import register
from app.text.images import data_url
from app.text.translate import _

ACTIONS = ("accept", "relabel", "delete", "undo")

_mount = register(__file__)


@dataclass(frozen=True)
class Card:
    """One picture, a PNG of 28x28 pixels, with its class and texts.

    `acceptable`: it has a button that accepts the label. `unlabelled`: no person has labelled it
    yet, so no class is selected. `held_out`: it is a test correction. `tone` is the colour of its
    state's mark: `plain`, `good`, `doubtful` or `bad`.
    """

    id: int
    label: str
    tone: str
    state: str
    prediction: str
    reason: str
    origin: str
    held_out: bool
    acceptable: bool
    unlabelled: bool
    png: bytes


@dataclass(frozen=True)
class Action:
    """A click: one of ACTIONS on the card `id`; `label` is the class that was chosen."""

    name: str
    id: int = 0
    label: str = ""


def gallery(
    cards: Sequence[Card],
    class_names: Sequence[str],
    *,
    notice: str | None,
    undoable: bool,
    editable: bool,
    on_action: Callable[[Action], None],
    key: str,
) -> None:
    """Mount the cards. `on_action` runs after a click, before the page reruns.

    `notice` describes the last action; `undoable` gives it an Undo button. Without
    `editable`, nothing can be changed.
    """
    data = {
        "cards": [{**asdict(card), "png": data_url(card.png)} for card in cards],
        "class_names": list(class_names),
        "notice": notice,
        "undoable": undoable,
        "editable": editable,
        "texts": _texts(),
    }

    def handle_click() -> None:
        action = action_of(st.session_state[key].get("action"), class_names)
        if action is not None:
            on_action(action)

    _mount(key=key, data=data, on_action_change=handle_click)


def action_of(sent: Any, class_names: Sequence[str]) -> Action | None:
    """Return the action that a browser sent, None if it is invalid."""
    if not isinstance(sent, dict) or sent.get("name") not in ACTIONS:
        return None
    number, label = sent.get("id", 0), sent.get("label", "")
    if type(number) is not int or (sent["name"] == "relabel" and label not in class_names):
        return None
    return Action(sent["name"], number, str(label))


def _texts() -> dict[str, str]:
    """Return the component's own texts; the browser fills in `{id}` and `{label}`."""
    return {
        "undo": _("Undo"),
        "accept": _("Accept"),
        "delete": _("Delete"),
        "held_out": _("Test correction"),
        "choose": _("Choose a class"),
        "picture": _("What the model saw, #{id}"),
        "class": _("Class of #{id}"),
        "accept_one": _("Accept #{id}"),
        "label_one": _("Label #{id} as {label}"),
        "delete_one": _("Delete #{id}"),
    }
