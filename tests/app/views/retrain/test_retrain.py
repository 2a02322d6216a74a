"""The Retrain page: corrections to learn from, and the live version after a run."""

from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from app.clients import trainer
from tests.support.app import trainer_json
from tests.support.app.pages import (
    FINETUNE,
    READY,
    finished,
    links,
    page_text,
    posted,
    run_json,
    script_services,
)
from tests.support.browser import axe_findings, settled
from tests.support.scripted_server import ScriptedServer

LIVE = trainer_json.version("x1", "champion")
USAGE = {"used": 21, "held_out": 5, "quarantined": 3}


def outcome(at: AppTest) -> str:
    """Return the text below "Latest run" that says which version is live."""
    [text] = [box.value for boxes in (at.success, at.warning) for box in boxes]
    return str(text).replace("\\", "").replace("**", "")


# --- Before a run --------------------------------------------------------------------------------


def test_the_page_names_the_live_version_and_the_rule_of_promotion(
    retrain: Any,
) -> None:
    text = page_text(retrain())
    assert "**x1** is live. New versions go live only if they pass accuracy" in text
    assert "Otherwise they stay candidates" in text


def test_without_a_version_the_first_one_goes_live(retrain: Any) -> None:
    text = page_text(retrain(trainer_json.version("x0", "stored")))
    assert "No version is live yet. The first one goes live" in text


def test_with_corrections_finetuning_comes_first_and_counts_them(
    retrain: Any, scripted: ScriptedServer
) -> None:
    at = retrain(new=20, accepted=3, conflict=2)
    recipe = at.radio(key="recipe")
    assert (recipe.value, recipe.options[0]) == ("finetune", "finetune")
    assert "23 corrections to learn from." in page_text(at)
    assert not at.checkbox
    at.button(key="train").click().run()
    assert not at.exception
    [(path, sent)] = posted(scripted)
    assert (path, sent["recipe"], "corrections" in sent) == ("/runs", "finetune", False)


def test_without_corrections_the_usual_recipe_is_chosen(retrain: Any) -> None:
    assert retrain(quarantined=2).radio(key="recipe").value == "standard"


def test_finetuning_without_corrections_says_how_to_make_some(retrain: Any) -> None:
    at = retrain(quarantined=1, conflict=2)
    at.radio(key="recipe").set_value("finetune").run()
    assert "choose the right class below the answer" in page_text(at)
    assert "Go to Classify" in links(at)
    assert "Review 3 unused corrections" in links(at)
    assert at.button(key="train").disabled


def test_finetuning_without_a_version_says_what_to_do_first(retrain: Any) -> None:
    at = retrain(trainer_json.version("x0", "stored"), new=3)
    assert at.radio(key="recipe").value == "standard"
    at.radio(key="recipe").set_value("finetune").run()
    assert "Train a version with another recipe first." in page_text(at)
    assert at.button(key="train").disabled


@pytest.mark.parametrize(("recipe", "offered"), [("standard", True), ("reference", False)])
def test_other_recipes_can_learn_from_corrections_too(
    retrain: Any, scripted: ScriptedServer, recipe: str, offered: bool
) -> None:
    at = retrain(new=1)
    at.radio(key="recipe").set_value(recipe).run()
    choice = at.checkbox(key=f"corrections_{recipe}")
    assert (choice.label, choice.value) == ("Learn from corrections too", offered)
    choice.set_value(not offered).run()
    at.button(key="train").click().run()
    assert not at.exception
    [(_, sent)] = posted(scripted)
    assert (sent["recipe"], sent["corrections"]) == (recipe, not offered)


def test_corrections_are_not_offered_if_there_are_none(
    retrain: Any, scripted: ScriptedServer
) -> None:
    at = retrain(quarantined=4)
    assert not at.checkbox
    at.button(key="train").click().run()
    assert "corrections" not in posted(scripted)[0][1]


# --- While it is active --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "shown"),
    [
        ("checking corrections", "Checking corrections"),
        ("comparing", "Comparing with the live version"),
    ],
)
def test_each_phase_has_a_label(retrain: Any, phase: str, shown: str) -> None:
    at = retrain(run=run_json("running", phase=phase, corrections=USAGE))
    assert at.get("progress")[0].proto.text.startswith(shown)
    expected = "21 corrections to learn from. Test corrections: 5. 3 corrections need review."
    assert expected in page_text(at)


# --- After it ------------------------------------------------------------------------------------


def test_a_promoted_version_is_live_and_one_click_rolls_back(
    retrain: Any, scripted: ScriptedServer
) -> None:
    run = finished(trainer_json.gate(promoted=True), corrections=USAGE)
    at = retrain(
        trainer_json.version("x2", "champion"),
        trainer_json.version("x1", "former"),
        run=run,
    )
    assert outcome(at) == f"x2 is now live and replaces x1. {trainer_json.NOT_WORSE}"
    at.button(key="go_back").click().run()
    assert not at.exception
    assert posted(scripted) == [("/models/x1/promote", None)]
    assert "x1 is live on 2 workers after 0.2 s." in page_text(at)


def test_a_version_that_is_not_promoted_is_a_candidate_with_reasons(retrain: Any) -> None:
    run = finished(trainer_json.gate(promoted=False), corrections=USAGE)
    at = retrain(trainer_json.version("x2", "candidate"), LIVE, run=run)
    line = "x1 is still live. x2 is a candidate. Not promoted:"
    assert outcome(at) == f"{line} {trainer_json.WORSE}"
    assert "version=x2" in links(at)["Compare x2 with the live version"]
    assert "go_back" not in [button.key for button in at.button]
    assert "not promoted" in list(at.dataframe[0].value["Decision"])


def test_a_candidate_that_a_person_promoted_is_live(retrain: Any) -> None:
    run = finished(trainer_json.gate(promoted=False))
    at = retrain(
        trainer_json.version("x2", "champion"),
        trainer_json.version("x1", "former"),
        run=run,
    )
    expected = "x2 did not pass the checks. A person promoted it, and it is now live."
    assert outcome(at).startswith(expected)
    assert at.button(key="go_back").label == "Roll back to x1"


def test_the_page_says_so_once_another_version_is_live(retrain: Any) -> None:
    run = finished(trainer_json.gate(promoted=True))
    at = retrain(
        trainer_json.version("x3", "champion"),
        trainer_json.version("x2", "former"),
        trainer_json.version("x1", "former"),
        run=run,
    )
    assert outcome(at) == "x3 is now live."


def test_a_first_version_cannot_be_rolled_back(retrain: Any) -> None:
    run = finished(None, result=trainer_json.result("x1", None))
    at = retrain(run=run)
    assert outcome(at) == "x1 is now live."
    assert "go_back" not in [button.key for button in at.button]


def test_the_figures_of_a_run_are_before_and_after(retrain: Any) -> None:
    run = finished(trainer_json.gate(promoted=True), corrections=USAGE)
    at = retrain(
        trainer_json.version("x2", "champion"),
        trainer_json.version("x1", "former"),
        run=run,
    )
    text = page_text(at)
    assert "<dt>Accuracy</dt><dd>92.0 % → 92.1 %</dd>" in text
    assert "<dt>Test corrections</dt><dd>2 of 5 → 5 of 5</dd>" in text
    assert "<dt>Corrections learned</dt><dd>21</dd>" in text


def test_a_run_without_corrections_does_not_mention_them(retrain: Any) -> None:
    at = retrain(run=finished(None, result=trainer_json.result("x1", "x0")))
    assert "to learn from" not in page_text(at)
    assert "orrections learned" not in page_text(at)
    assert "Test corrections" not in page_text(at)


def test_several_reasons_are_counted(retrain: Any) -> None:
    gate = trainer_json.gate(promoted=False)
    gate["reasons"] = [trainer_json.WORSE, "Coat is worse too.", "Bag is worse too."]
    at = retrain(trainer_json.version("x2", "candidate"), LIVE, run=finished(gate))
    assert outcome(at).endswith(f"{trainer_json.WORSE} And 2 more reasons.")


def test_recipes_of_an_older_trainer_are_read(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_services(scripted, monkeypatch, run_json("running"), READY)
    assert not any(recipe.from_champion for recipe in trainer.recipes())


# --- In the browser ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_after_a_run_that_was_not_promoted(
    page: Page,
    app_beside: str,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    scheme: Literal["light", "dark"],
) -> None:
    run = finished(trainer_json.gate(promoted=False), corrections=USAGE)
    versions = [trainer_json.version("x2", "candidate"), LIVE]
    script_services(scripted, monkeypatch, run, READY, versions, recipes={"recipes": [FINETUNE]})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{app_beside}/retrain")
    expect(page.get_by_role("heading", name="Latest run")).to_be_visible(timeout=30_000)
    settled(page)
    assert axe_findings(page) == []
