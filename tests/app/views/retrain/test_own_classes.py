"""The Retrain page: classes of one's own before, while and after a run."""

from typing import Any

import pytest

from tests.support.app import trainer_json
from tests.support.app.pages import finished, page_text, posted, run_json
from tests.support.scripted_server import ScriptedServer


def test_own_classes_are_named_as_new_or_with_what_they_lack(retrain: Any) -> None:
    text = page_text(
        retrain(own={"Hat": 12, "Top [x](y)": 11, "Cup": 6, "Sock": 9, "Bow": 0}, new=38)
    )
    assert "New in this version: Hat (12 pictures) and Top [x](y) (11 pictures)." in text
    assert "Cup: 4 more pictures needed." in text
    assert "Sock: 1 more picture needed." in text
    assert "Bow" not in text


def test_a_class_that_the_live_version_knows_is_not_new(retrain: Any) -> None:
    live = trainer_json.version("x1", "champion", class_names=["Shirt", "Hat"])
    text = page_text(retrain(live, own={"Hat": 12, "Cup": 6}, new=18))
    assert "New in this version" not in text
    assert "Cup: 4 more pictures needed." in text


def test_without_corrections_in_a_run_its_classes_are_not_named(retrain: Any) -> None:
    at = retrain(own={"Hat": 12}, new=12)
    at.radio(key="recipe").set_value("standard").run()
    assert "New in this version: Hat" in page_text(at)
    at.checkbox(key="corrections_standard").set_value(False).run()
    assert "New in this version" not in page_text(at)


@pytest.mark.parametrize(
    ("own", "missing"),
    [
        ({}, "You need at least 2 classes with 10 pictures each."),
        ({"Hat": 10, "Cup": 9}, "So far: Hat 10 and Cup 9."),
        ({"Hat": 10, "Cup": 10}, None),
    ],
)
def test_own_pictures_only_needs_two_classes_of_ten(
    retrain: Any, scripted: ScriptedServer, own: dict[str, int], missing: str | None
) -> None:
    at = retrain(own=own, new=sum(own.values()))
    at.radio(key="recipe").set_value("own").run()
    assert at.button(key="train").disabled == (missing is not None)
    if missing is not None:
        assert missing in page_text(at)
        return
    assert "The new version will know only Hat and Cup." in page_text(at)
    at.button(key="train").click().run()
    assert not at.exception
    assert posted(scripted)[0][1]["recipe"] == "own"


def test_the_outcome_says_how_a_new_class_did_and_what_others_lack(retrain: Any) -> None:
    gate = trainer_json.gate(promoted=True)
    gate["new_classes"] = {"Hat": {"count": 4, "accuracy": 1.0, "taken": 0.001}}
    run = finished(gate, classes={"included": ["Hat"], "waiting": {"Cup": 4}})
    text = page_text(retrain(trainer_json.version("x2", "champion"), run=run))
    assert "Hat: 4 of 4 test pictures right; 0.1 % of other pictures are called Hat." in text
    assert "Cup: 4 more pictures needed." in text


def test_an_active_run_says_which_own_classes_it_learns(retrain: Any) -> None:
    classes = {"included": ["Hat", "Sock"], "waiting": {}}
    text = page_text(retrain(run=run_json("running", classes=classes)))
    assert "It learns Hat and Sock too." in text
