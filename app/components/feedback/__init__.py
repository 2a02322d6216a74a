"""Buttons that confirm or correct an answer, and the message about the saved correction.

One element that changes in place: Streamlit's own buttons, when one set replaces another in a
fragment, can stay side by side while another fragment runs. Data from the browser is untrusted:
`action_of` validates it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "wardrobe_feedback",
    html=(_HERE / "feedback.html").read_text(encoding="utf-8"),
    css=(_HERE / "feedback.css").read_text(encoding="utf-8"),
    js=(_HERE / "feedback.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class FeedbackPrompt:
    """Feedback on the picture with this digest: before or after it is saved.

    `predicted` is the model's class. `message` says what will be saved; `saved` says what was
    saved, None before. `error` says why something failed.
    """

    digest: str
    predicted: str
    class_names: Sequence[str]
    message: str
    saved: str | None
    undoable: bool
    error: str | None


def feedback_prompt(
    prompt: FeedbackPrompt,
    *,
    on_save: Callable[[str], None],
    on_undo: Callable[[], None],
    key: str,
) -> None:
    """Mount the component. `on_save` gets the chosen class, before the page reruns."""

    def handle_click() -> None:
        chosen = action_of(st.session_state[key].get("action"), prompt)
        if chosen == "":
            on_undo()
        elif chosen is not None:
            on_save(chosen)

    _mount(key=key, data=asdict(prompt), on_action_change=handle_click)


def action_of(sent: Any, prompt: FeedbackPrompt) -> str | None:
    """Return the class that a browser sent, "" for Undo; None if invalid or out of date."""
    if not isinstance(sent, dict) or sent.get("digest") != prompt.digest:
        return None
    if sent.get("name") == "undo":
        return "" if prompt.undoable else None
    label = sent.get("label")
    return label if label in prompt.class_names else None
