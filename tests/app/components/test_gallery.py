"""Validation of gallery actions from the browser."""

from typing import Any

import pytest

from app.components.gallery import Action, action_of


@pytest.mark.parametrize(
    ("sent", "action"),
    [
        ({"name": "delete", "id": 3}, Action("delete", 3)),
        ({"name": "undo"}, Action("undo")),
        ({"name": "relabel", "id": 3, "label": "Bag"}, Action("relabel", 3, "Bag")),
        ({"name": "relabel", "id": 3, "label": "Hat"}, None),
        ({"name": "delete", "id": "3"}, None),
        ({"name": "promote", "id": 3}, None),
        ({"name": ["delete"], "id": 3}, None),
        ("delete", None),
        (None, None),
    ],
)
def test_actions_are_validated(sent: Any, action: Action | None) -> None:
    assert action_of(sent, ["Bag", "Coat"]) == action
