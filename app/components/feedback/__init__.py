"""Whether an answer is right, or which class it is: the buttons, and what became of it.

One element that changes in place. Streamlit's own, when one set of them follows another in a
fragment, can stay side by side where another fragment runs at that moment. What the browser sends
back is not trusted: `action_of` reads it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "wardrobe_verdict",
    html=(_HERE / "verdict.html").read_text(encoding="utf-8"),
    css=(_HERE / "verdict.css").read_text(encoding="utf-8"),
    js=(_HERE / "verdict.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Question:
    """What is asked of the picture with this digest, or what is told once it was answered.

    `answered` is the class that the model named, `sentence` what an answer will keep; `kept` says
    what was kept, None before. `trouble` says why something could not be done.
    """

    digest: str
    answered: str
    class_names: Sequence[str]
    message: str
    kept: str | None
    undoable: bool
    trouble: str | None


def verdict(
    question: Question, *, on_keep: Callable[[str], None], on_undo: Callable[[], None], key: str
) -> None:
    """Shows it. `on_keep` gets the class that was chosen, before the page runs anew."""

    def clicked() -> None:
        chosen = action_of(st.session_state[key].get("action"), question)
        if chosen == "":
            on_undo()
        elif chosen is not None:
            on_keep(chosen)

    _mount(key=key, data=asdict(question), on_action_change=clicked)


def action_of(sent: Any, question: Question) -> str | None:
    """The class in what a browser sent, "" for Undo; None if it is neither, or out of date."""
    if not isinstance(sent, dict) or sent.get("digest") != question.digest:
        return None
    if sent.get("name") == "undo":
        return "" if question.undoable else None
    label = sent.get("label")
    return label if label in question.class_names else None
