"""Table of uploaded pictures: what each is, and a class to give it, one by one or several at once.

`picture_table()` mounts it. On a narrow screen its rows are cards. Data from the browser is
untrusted: `action_of` validates it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from app.components.registration import register
from app.text.translate import _

_mount = register(__file__)


@dataclass(frozen=True)
class Row:
    """One picture. `picture` and `seen`, what the model sees, are URLs, "" while there is none.

    `label` is the answer, "" without one; `share` its confidence, 0..1, and `sure` the same in
    words; if not `known`, it is only the nearest class. `tag` marks what a person should check, in
    words. `says` stands in the place of an answer: what went wrong, or what is waited for. `saved`
    says what was saved; `undoable` gives it an Undo button. `error` says why the last click had no
    effect. `confirmable`: a button confirms the label. `teachable`: people may give it a class.
    """

    key: str
    name: str
    picture: str
    seen: str = ""
    label: str = ""
    share: float = 0.0
    sure: str = ""
    tag: str = ""
    known: bool = True
    says: str = ""
    saved: str = ""
    undoable: bool = False
    error: str = ""
    confirmable: bool = False
    teachable: bool = False


@dataclass(frozen=True)
class Action:
    """A click on the rows with these keys: `save` them with the class `label`, or `undo` that."""

    name: str
    keys: tuple[str, ...]
    label: str = ""


def picture_table(
    rows: Sequence[Row],
    class_names: Sequence[str],
    *,
    on_action: Callable[[Action], None],
    key: str,
) -> None:
    """Mount the table. `on_action` runs after a click, before the page reruns."""
    data = {
        "rows": [asdict(row) for row in rows],
        "class_names": list(class_names),
        "texts": _texts(),
    }

    def handle_click() -> None:
        sent = st.session_state[key].get("action")
        action = action_of(sent, {row.key for row in rows}, class_names)
        if action is not None:
            on_action(action)

    _mount(key=key, data=data, on_action_change=handle_click)


def action_of(sent: Any, keys: Collection[str], class_names: Collection[str]) -> Action | None:
    """Return the action that a browser sent, None if it is invalid or about no row of the table."""
    if not isinstance(sent, dict) or not isinstance(sent.get("keys"), list):
        return None
    asked = tuple(it for it in dict.fromkeys(map(str, sent["keys"])) if it in keys)
    if not asked:
        return None
    match sent.get("name"):
        case "undo":
            return Action("undo", asked)
        case "save" if sent.get("label") in class_names:
            return Action("save", asked, sent["label"])
        case _:
            return None


def _texts() -> dict[str, str]:
    return {
        "picture": _("Picture"),
        "seen": _("Model sees"),
        "seen_alt": _("What the model sees: {name}"),
        "file": _("File"),
        "answer": _("Answer"),
        "yours": _("Your answer"),
        "select": _("Select {name}"),
        "select_all": _("Select all on this page"),
        "right": _("That's right"),
        "is_right": _("{name}: that's right"),
        "other": _("No, it's …"),
        "what": _("What is it?"),
        "class_of": _("Class of {name}"),
        "saving": _("Saving …"),
        "undo": _("Undo"),
        "undo_of": _("Undo for {name}"),
        "selected": _("{count} selected"),
        "choose": _("Choose a class"),
        "choose_all": _("Class of the selected pictures"),
        "save": _("Save"),
        "clear": _("Cancel"),
    }
