"""Buttons that confirm or correct an answer, and the message about the saved correction.

One element that changes in place: Streamlit's own buttons, when one set replaces another in a
fragment, can stay side by side while another fragment runs. Data from the browser is untrusted:
`action_of` validates it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from app.components.registration import register
from app.text.translate import _

MAX_NAME_LENGTH = 40
"""Characters of a class name that the field takes; the trainer's limit."""

_mount = register(__file__)


@dataclass(frozen=True)
class FeedbackPrompt:
    """Feedback on the picture with this digest: before or after it is saved.

    `predicted` is the class that "That's right" confirms, None where there is nothing to confirm.
    `answered`: a model has answered; if none has, `question` asks what the picture shows, and the
    classes are open at once. `suggested` is the class that gets a button of its
    own, None without one. `message` says what will be saved; `saved` says what was saved, None
    before. `error` says why something failed, `name_error` what is wrong with the new class's name.
    """

    digest: str
    predicted: str | None
    answered: bool
    question: str
    suggested: str | None
    class_names: Sequence[str]
    message: str
    saved: str | None
    undoable: bool
    error: str | None
    name_error: str | None = None


@dataclass(frozen=True)
class Action:
    """A click: `save` with a class, `create` with the name of a new class, or `undo`."""

    name: str
    label: str = ""


def feedback_prompt(
    prompt: FeedbackPrompt, *, on_action: Callable[[Action], None], key: str
) -> None:
    """Mount the component. `on_action` runs after a click, before the page reruns."""

    def handle_click() -> None:
        action = action_of(st.session_state[key].get("action"), prompt)
        if action is not None:
            on_action(action)

    data = {**asdict(prompt), "max_name_length": MAX_NAME_LENGTH, "texts": _texts()}
    _mount(key=key, data=data, on_action_change=handle_click)


def _texts() -> dict[str, str]:
    """Return the texts by their names in feedback.html and feedback.js."""
    return {
        "right": _("That's right"),
        "wrong": _("That's wrong"),
        "teach": _("Teach it"),
        "something_else": _("Something else …"),
        "choose": _("Choose the right class"),
        "find": _("Find one of {count} classes"),
        "not_found": _("No class has that name."),
        "new_class": _("A new class"),
        "none": _("None of these"),
        "nothing": _("Nothing is saved. If the model should know this, make a new class."),
        "class_name": _("Name of the new class"),
        "enter_name": _("Enter a name."),
        "save": _("Save"),
        "undo": _("Undo"),
    }


def action_of(sent: Any, prompt: FeedbackPrompt) -> Action | None:
    """Return the action that a browser sent, None if it is invalid or out of date."""
    if not isinstance(sent, dict) or sent.get("digest") != prompt.digest:
        return None
    if sent.get("name") == "undo":
        return Action("undo") if prompt.undoable else None
    label = sent.get("label")
    if not isinstance(label, str):
        return None
    match sent.get("name"):
        case "save" if label in prompt.class_names:
            return Action("save", label)
        case "create":
            return Action("create", label[:MAX_NAME_LENGTH])
        case _:
            return None
