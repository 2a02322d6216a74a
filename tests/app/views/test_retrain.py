"""The Retrain page: what there is to learn from, and which version is served after a run."""

import json
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from app.clients import trainer
from tests.app.views.test_accessibility import settled_findings
from tests.app.views.test_pages import READY, RECIPES, opened, run_in, stand_in_for_both, words
from tests.support import correction_pages
from tests.support.browser import settled
from tests.support.scripted_server import ScriptedServer

SERVED = correction_pages.version("x1", "champion")
FINETUNE = {
    **RECIPES[0],
    "name": "finetune",
    "summary": "Teaches the version that is served what you corrected: seconds",
    "epochs": 4,
    "from_champion": True,
}
TAUGHT = {"used": 21, "held_out": 5, "quarantined": 3}


@pytest.fixture
def retrain(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens the page beside a trainer with these corrections, versions and last run."""

    def open_page(
        *versions: dict[str, Any], run: dict[str, Any] | None = None, **counts: int
    ) -> AppTest:
        stand_in_for_both(
            scripted,
            monkeypatch,
            run or run_in("cancelled", ended_at="2026-01-02T03:05:06+00:00"),
            READY,
            versions or [SERVED],
            recipes={"recipes": [*RECIPES, FINETUNE]},
            corrections=correction_pages.corrections(**counts),
        )
        return opened("retrain")

    return open_page


def posted(server: ScriptedServer) -> list[tuple[str, Any]]:
    return [
        (path, json.loads(body or b"null")) for verb, path, body in server.seen if verb == "POST"
    ]


def finished(verdict: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """A run that made x2 while x1 was served."""
    ended = {"ended_at": "2026-01-02T03:05:06+00:00", "gate": verdict}
    return run_in("succeeded", **{"result": correction_pages.result(), **ended, **more})


def told(at: AppTest) -> str:
    """What stands under "The last run" about which version is served."""
    [said] = [box.value for boxes in (at.success, at.warning) for box in boxes]
    return str(said).replace("\\", "")


def links(at: AppTest) -> dict[str, str]:
    """Where each link leads, by its words."""
    protos = [element.proto for element in at.get("page_link")]
    return {proto.label: f"{proto.page}?{proto.query_string}" for proto in protos}


# --- Before a run --------------------------------------------------------------------------------


def test_the_page_says_which_version_is_served_and_when_another_takes_its_place(
    retrain: Any,
) -> None:
    said = words(retrain())
    assert "Version **x1** is served. A new one takes its place only if it is not worse" in said
    assert "Otherwise it waits as a candidate" in said


def test_without_a_version_the_first_one_is_said_to_be_served(retrain: Any) -> None:
    said = words(retrain(correction_pages.version("x0", "stored")))
    assert "No version is served yet. A new one is served by itself" in said


def test_with_corrections_teaching_comes_first_and_says_from_how_many(
    retrain: Any, scripted: ScriptedServer
) -> None:
    at = retrain(new=20, accepted=3, conflict=2)
    recipe = at.radio(key="recipe")
    assert (recipe.value, recipe.options[0]) == ("finetune", "finetune")
    assert "It learns from 23 corrections, of which one in five is kept for testing." in words(at)
    assert not at.checkbox
    at.button(key="train").click().run()
    assert not at.exception
    [(path, sent)] = posted(scripted)
    assert (path, sent["recipe"], "corrections" in sent) == ("/runs", "finetune", False)


def test_without_corrections_the_usual_recipe_is_chosen(retrain: Any) -> None:
    assert retrain(quarantined=2).radio(key="recipe").value == "standard"


def test_teaching_without_corrections_says_how_to_make_some(retrain: Any) -> None:
    at = retrain(quarantined=1, conflict=2)
    at.radio(key="recipe").set_value("finetune").run()
    assert "say under the answer which class it is" in words(at)
    assert "Go to Classify" in links(at)
    assert "Decide about 3 corrections not used so far" in links(at)
    assert at.button(key="train").disabled


def test_teaching_without_a_version_says_what_to_do_first(retrain: Any) -> None:
    at = retrain(correction_pages.version("x0", "stored"), new=3)
    assert at.radio(key="recipe").value == "standard"
    at.radio(key="recipe").set_value("finetune").run()
    assert "Train one by another recipe first." in words(at)
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


def test_nothing_is_offered_where_there_is_nothing_to_learn_from(
    retrain: Any, scripted: ScriptedServer
) -> None:
    at = retrain(quarantined=4)
    assert not at.checkbox
    at.button(key="train").click().run()
    assert "corrections" not in posted(scripted)[0][1]


# --- While it goes on ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "shown"),
    [
        ("looking at corrections", "Looking at the corrections"),
        ("comparing", "Comparing it with the version that is served"),
    ],
)
def test_each_phase_has_its_words(retrain: Any, phase: str, shown: str) -> None:
    at = retrain(run=run_in("running", phase=phase, corrections=TAUGHT))
    assert at.get("progress")[0].proto.text.startswith(shown)
    assert "21 corrections to learn from, 5 kept for testing, 3 set aside" in words(at)


# --- After it ------------------------------------------------------------------------------------


def test_a_promoted_version_is_served_and_one_click_goes_back(
    retrain: Any, scripted: ScriptedServer
) -> None:
    run = finished(correction_pages.gate(promoted=True), corrections=TAUGHT)
    at = retrain(
        correction_pages.version("x2", "champion"),
        correction_pages.version("x1", "former"),
        run=run,
    )
    assert told(at).startswith("Version x2 is served now, instead of x1.")
    assert correction_pages.NOT_WORSE in told(at)
    at.button(key="go_back").click().run()
    assert not at.exception
    assert posted(scripted) == [("/models/x1/promote", None)]
    assert "2 workers serve version x1 after 0.2 s." in words(at)


def test_a_version_held_back_waits_and_says_why(retrain: Any) -> None:
    run = finished(correction_pages.gate(promoted=False), corrections=TAUGHT)
    at = retrain(correction_pages.version("x2", "candidate"), SERVED, run=run)
    [line, *_, reason] = told(at).splitlines()
    assert line == "Version x1 is still served. Version x2 waits as a candidate because:"
    assert correction_pages.WORSE in reason
    assert "version=x2" in links(at)["See what x2 does better and worse"]
    assert "go_back" not in [button.key for button in at.button]
    assert "held back" in list(at.dataframe[0].value["Verdict"])


def test_a_candidate_that_a_person_promoted_is_said_to_be_served(retrain: Any) -> None:
    run = finished(correction_pages.gate(promoted=False))
    at = retrain(
        correction_pages.version("x2", "champion"),
        correction_pages.version("x1", "former"),
        run=run,
    )
    assert told(at).startswith("Version x2 was held back. A person promoted it: it is served now.")
    assert at.button(key="go_back").label == "Go back to x1"


def test_once_another_version_is_served_the_page_says_so(retrain: Any) -> None:
    run = finished(correction_pages.gate(promoted=True))
    at = retrain(
        correction_pages.version("x3", "champion"),
        correction_pages.version("x2", "former"),
        correction_pages.version("x1", "former"),
        run=run,
    )
    assert told(at).strip() == "Version x3 is now served."


def test_a_first_version_has_no_way_back(retrain: Any) -> None:
    run = finished(None, result=correction_pages.result("x1", None))
    at = retrain(run=run)
    assert told(at).strip() == "Version x1 is served now."
    assert "go_back" not in [button.key for button in at.button]


def test_how_well_corrections_were_learned_is_shown_and_where_the_doubtful_are(
    retrain: Any,
) -> None:
    run = finished(correction_pages.gate(promoted=True), corrections=TAUGHT)
    at = retrain(
        correction_pages.version("x2", "champion"),
        correction_pages.version("x1", "former"),
        run=run,
    )
    line = "5 kept for testing (40.0 % of them named right before, 100.0 % after), 3 set aside"
    assert line in words(at)
    assert links(at)["Look at what was set aside"].endswith("?state=quarantined")
    learned = next(metric for metric in at.metric if metric.label == "On kept corrections")
    assert (learned.value, learned.delta) == ("100.0 %", "+60.0 points")


def test_a_run_without_corrections_says_nothing_of_them(retrain: Any) -> None:
    at = retrain(run=finished(None, result=correction_pages.result("x1", "x0")))
    assert "to learn from" not in words(at)
    assert [metric.label for metric in at.metric] == [
        "Accuracy before",
        "Accuracy after",
        "It took",
    ]


def test_recipes_of_a_trainer_that_does_not_teach_are_read(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_for_both(scripted, monkeypatch, run_in("running"), READY)
    assert not any(recipe.from_champion for recipe in trainer.recipes())


# --- In the browser ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_after_a_run_that_was_held_back(
    page: Page,
    app_beside: str,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    scheme: Literal["light", "dark"],
) -> None:
    run = finished(correction_pages.gate(promoted=False), corrections=TAUGHT)
    versions = [correction_pages.version("x2", "candidate"), SERVED]
    stand_in_for_both(scripted, monkeypatch, run, READY, versions, recipes={"recipes": [FINETUNE]})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{app_beside}/retrain")
    expect(page.get_by_role("heading", name="The last run")).to_be_visible(timeout=30_000)
    settled(page)
    assert settled_findings(page) == []


def test_what_was_set_aside_is_one_click_away(
    page: Page, app_beside: str, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(correction_pages.gate(promoted=True), corrections=TAUGHT)
    stand_in_for_both(scripted, monkeypatch, run, READY, [SERVED])
    page.goto(f"{app_beside}/retrain")
    page.get_by_role("link", name="Look at what was set aside").click(timeout=30_000)
    expect(page.get_by_role("radio", name="Set aside")).to_be_checked(timeout=15_000)
    settled(page)
    asked = [path for _, path, _ in scripted.seen if path.startswith("/corrections?")]
    assert "state=quarantined" in asked[-1]
