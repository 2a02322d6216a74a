"""Validation of what browsers send from the Upload tab: rows of the table, and examples."""

from typing import Any

import pytest

from app.components import intake, picture_table
from app.components.intake import Example
from app.components.picture_table import Action

EXAMPLES = [Example("Bag", b"1"), Example("Coat", b"2")]


@pytest.mark.parametrize(
    ("sent", "action"),
    [
        ({"name": "save", "keys": ["a"], "label": "Bag"}, Action("save", ("a",), "Bag")),
        (
            {"name": "save", "keys": ["b", "a", "b"], "label": "Bag"},
            Action("save", ("b", "a"), "Bag"),
        ),
        ({"name": "undo", "keys": ["a"]}, Action("undo", ("a",))),
        ({"name": "undo", "keys": ["of another table", "a"]}, Action("undo", ("a",))),
        ({"name": "save", "keys": ["a"], "label": "Hat"}, None),
        ({"name": "save", "keys": ["a"], "label": ["Bag"]}, None),
        ({"name": "save", "keys": ["of another table"], "label": "Bag"}, None),
        ({"name": "save", "keys": [], "label": "Bag"}, None),
        ({"name": "save", "keys": "a", "label": "Bag"}, None),
        ({"name": "delete", "keys": ["a"]}, None),
        ("undo", None),
        (None, None),
    ],
)
def test_actions_are_validated(sent: Any, action: Action | None) -> None:
    assert picture_table.action_of(sent, {"a", "b"}, ["Bag", "Coat"]) == action


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        ([1], ["Coat"]),
        ([0, 1], ["Bag", "Coat"]),
        ([7], []),
        ([True], []),
        (["0"], []),
        (1, []),
        (None, []),
    ],
)
def test_examples_are_validated(sent: Any, names: list[str]) -> None:
    assert [one.name for one in intake.chosen_of(sent, EXAMPLES)] == names
