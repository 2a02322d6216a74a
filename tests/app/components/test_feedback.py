"""Validation of feedback from the browser."""

from dataclasses import replace
from typing import Any

import pytest

from app.components.feedback import FeedbackPrompt, action_of

PROMPT = FeedbackPrompt("d1", "Bag", ["Bag", "Coat"], "…", None, undoable=False, error=None)


@pytest.mark.parametrize(
    ("sent", "chosen"),
    [
        ({"name": "save", "label": "Coat", "digest": "d1"}, "Coat"),
        ({"name": "save", "label": "Coat", "digest": "d0"}, None),
        ({"name": "save", "label": "Hat", "digest": "d1"}, None),
        ({"name": "save", "label": ["Coat"], "digest": "d1"}, None),
        ({"name": "undo", "digest": "d1"}, None),
        ([], None),
    ],
)
def test_feedback_is_validated(sent: Any, chosen: str | None) -> None:
    assert action_of(sent, PROMPT) == chosen


def test_undo_is_accepted_only_if_it_was_offered() -> None:
    offered = replace(PROMPT, undoable=True)
    assert action_of({"name": "undo", "digest": "d1"}, offered) == ""
