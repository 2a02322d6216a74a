"""Validation of feedback from the browser."""

from dataclasses import replace
from typing import Any

import pytest

from app.components.feedback import Action, FeedbackPrompt, action_of

PROMPT = FeedbackPrompt(
    digest="d1",
    predicted="Bag",
    answered=True,
    question="",
    suggested=None,
    class_names=["Bag", "Coat"],
    message="…",
    saved=None,
    undoable=False,
    error=None,
)


@pytest.mark.parametrize(
    ("sent", "action"),
    [
        ({"name": "save", "label": "Coat", "digest": "d1"}, Action("save", "Coat")),
        ({"name": "save", "label": "Coat", "digest": "d0"}, None),
        ({"name": "save", "label": "Hat", "digest": "d1"}, None),
        ({"name": "save", "label": ["Coat"], "digest": "d1"}, None),
        ({"name": "create", "label": "Hat", "digest": "d1"}, Action("create", "Hat")),
        (
            {"name": "create", "label": "Hat" * 99, "digest": "d1"},
            Action("create", "Hat" * 13 + "H"),
        ),
        ({"name": "create", "label": None, "digest": "d1"}, None),
        ({"name": "create", "label": "Hat", "digest": "d0"}, None),
        ({"name": "promote", "label": "Coat", "digest": "d1"}, None),
        ({"name": "undo", "digest": "d1"}, None),
        ([], None),
    ],
)
def test_feedback_is_validated(sent: Any, action: Action | None) -> None:
    assert action_of(sent, PROMPT) == action


def test_undo_is_accepted_only_if_it_was_offered() -> None:
    offered = replace(PROMPT, undoable=True)
    assert action_of({"name": "undo", "digest": "d1"}, offered) == Action("undo")
