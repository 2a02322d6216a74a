"""Which version is served, and the ways to another: candidates, reports, one click back."""

import json
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, expect
from streamlit.testing.v1 import AppTest

from tests.app.views.test_accessibility import settled_findings
from tests.app.views.test_models import charts, unfolded
from tests.app.views.test_pages import READY, opened, run_in, stand_in_for_both, words
from tests.support import correction_pages
from tests.support.browser import settled
from tests.support.scripted_server import Request, ScriptedServer, json_answer

HELD_BACK = correction_pages.gate(promoted=False)
REASON = "We need bags & nothing else."
VERSIONS = [
    correction_pages.version("waiting", "candidate", HELD_BACK),
    correction_pages.version(
        "x1",
        "champion",
        correction_pages.gate(promoted=True, champion="fashion_mnist_model:before"),
        promotions=[
            correction_pages.promotion("gate", "before"),
            correction_pages.promotion("person", "other", REASON),
        ],
    ),
    correction_pages.version(
        "before", "former", promotions=[correction_pages.promotion("gate", None)]
    ),
    correction_pages.version("unused", "stored"),
]


@pytest.fixture(autouse=True)
def one_of_each(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trainer that holds a version in each status."""
    stand_in_for_both(
        scripted,
        monkeypatch,
        run_in("cancelled", ended_at="2026-01-02T03:05:06+00:00"),
        READY,
        VERSIONS,
        report=correction_pages.report(HELD_BACK),
    )


def promoted(server: ScriptedServer) -> list[tuple[str, Any]]:
    """Each promotion that was asked for, with its body."""
    return [
        (path, json.loads(body or b"null"))
        for verb, path, body in server.seen
        if verb == "POST" and path.endswith("/promote")
    ]


def clicked(name: str) -> AppTest:
    """The page after a click on the button of one version."""
    at = opened("models")
    at.button(key=f"promote_{name}").click().run()
    assert not at.exception
    return at


# --- What each version is ------------------------------------------------------------------------


def test_each_version_says_where_it_stands_and_what_can_be_done() -> None:
    at = opened("models")
    said = words(at)
    for mark in ("<b>Served</b>", "<b>Candidate</b>", "<b>Served before</b>", "Never served"):
        assert said.count(mark) == 1, mark
    assert "Version **x1** is served." in said
    buttons = {button.key: button.label for button in at.button if button.key}
    assert {key: label for key, label in buttons.items() if "promote" in key} == {
        "promote_waiting": "Promote anyway",
        "promote_before": "Go back to this version",
        "promote_unused": "Promote",
    }


def test_a_candidate_says_on_its_card_why_it_was_held_back() -> None:
    said = words(opened("models"))
    assert said.count("Held back:") == 1
    assert correction_pages.WORSE in said


# --- The ways to another -------------------------------------------------------------------------


def test_one_click_goes_back_and_the_page_says_what_is_served(scripted: ScriptedServer) -> None:
    at = clicked("before")
    assert promoted(scripted) == [("/models/before/promote", None)]
    assert "2 workers serve version before after 0.2 s." in words(at)


def test_a_promotion_that_is_refused_says_why(scripted: ScriptedServer) -> None:
    told = scripted.answer
    scripted.answer = lambda request: (
        json_answer({"error": "Its weights are gone."}, 404)
        if request[0] == "POST"
        else told(request)
    )
    said = words(clicked("before"))
    assert "Its weights are gone. What was served before is served still." in said


def test_a_promotion_that_no_worker_follows_yet_says_so(scripted: ScriptedServer) -> None:
    told = scripted.answer

    def nobody_runs(request: Request) -> tuple[int, str, bytes]:
        detail = {"detail": "No classifier runs."}
        return json_answer(detail, 202) if request[0] == "POST" else told(request)

    scripted.answer = nobody_runs
    assert "Version before is the one to serve. No classifier runs." in words(clicked("before"))


# --- The report ----------------------------------------------------------------------------------


def test_the_report_has_figures_and_classes_against_the_version_served_then() -> None:
    at = unfolded("waiting")
    said = words(at)
    assert "Compared with x1, which was served then" in said
    assert "<dt>Validation accuracy</dt><dd>92.0 % → 91.9 %</dd>" in said
    assert "<dt>Right of the 5 corrections kept</dt><dd>40.0 % → 100.0 %</dd>" in said
    figure = charts(at)["Validation pictures: better or worse than x1, in points"]
    [bars] = figure["data"]
    assert dict(zip(bars["y"], bars["text"], strict=True)) == {
        "Shirt": "-4.1",
        "Coat": "same",
        "Bag": "+3.1",
    }


def test_pictures_show_what_got_better_and_what_got_worse() -> None:
    at = unfolded("waiting")
    better, worse = (html for html in _html(at) if 'class="examples"' in html)
    assert "<b>Bag</b>: said Shirt, now Bag<small>A correction</small>" in better
    assert "<b>Coat</b>: said Shirt, now Coat</span>" in better
    assert "<b>Shirt</b>: said Shirt, now Coat" in worse
    assert (better.count("<img"), worse.count("<img")) == (2, 1)


def test_a_report_without_pictures_still_has_its_figures(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    stand_in_for_both(scripted, monkeypatch, run, READY, VERSIONS)
    at = unfolded("waiting")
    assert "There are no pictures to show." in words(at)
    assert "Validation pictures: better or worse than x1, in points" in charts(at)


def test_no_report_is_asked_for_while_details_are_folded(scripted: ScriptedServer) -> None:
    opened("models")
    assert not [path for _, path, _ in scripted.seen if path.endswith("/report")]


def test_a_version_that_was_never_compared_has_no_report() -> None:
    assert "which was served then" not in words(unfolded("before"))


def test_promotions_are_told_the_last_one_first_with_their_reasons() -> None:
    [turns] = [html for html in _html(unfolded("x1")) if 'class="turns"' in html]
    by_person, by_gate = turns.split("</li>")[:2]
    assert "3 Jan 2026" in by_person
    assert "by a person, instead of other<q>We need bags &amp; nothing else.</q>" in by_person
    assert "by the gate, instead of before" in by_gate


def _html(at: AppTest) -> list[str]:
    return [str(element.proto.body) for element in at.get("html")]


# --- In the browser ------------------------------------------------------------------------------


@pytest.fixture
def models(page: Page, app_beside: str) -> Page:
    """A visitor on the Models page, with a candidate's details unfolded."""
    page.goto(f"{app_beside}/models?version=waiting")
    expect(page.get_by_role("heading", name="What got better")).to_be_visible(timeout=30_000)
    settled(page)
    return page


def asked(page: Page, name: str) -> Locator:
    """The dialog that opens on a click on a version's button."""
    page.locator(f".st-key-promote_{name} button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def test_a_candidate_is_served_only_with_a_reason(models: Page, scripted: ScriptedServer) -> None:
    dialog = asked(models, "waiting")
    expect(dialog).to_contain_text(correction_pages.WORSE)
    serve = dialog.get_by_role("button", name="Serve it anyway", exact=True)
    why = dialog.get_by_role("textbox", name="Why serve it anyway?")
    why.fill("   ")
    serve.click()
    expect(dialog).to_contain_text("Say why first.")
    assert not promoted(scripted)
    why.fill(f" {REASON} ")
    serve.click()  # what was just typed counts, though the field still has the focus
    expect(models.get_by_text("2 workers serve version waiting after 0.2 s.")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert promoted(scripted) == [("/models/waiting/promote", {"reason": REASON})]


def test_a_version_that_never_served_needs_no_reason(
    models: Page, scripted: ScriptedServer
) -> None:
    dialog = asked(models, "unused")
    expect(dialog.get_by_role("textbox")).to_have_count(0)
    dialog.get_by_role("button", name="Serve it").click()
    expect(models.get_by_text("2 workers serve version unused")).to_be_visible()
    assert promoted(scripted) == [("/models/unused/promote", None)]


def test_leaving_it_changes_nothing(models: Page, scripted: ScriptedServer) -> None:
    dialog = asked(models, "waiting")
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_have_count(0)
    assert not promoted(scripted)


def test_a_picture_of_the_report_is_shown_as_it_is(models: Page) -> None:
    picture = models.get_by_role("img", name="Bag, as the model sees it")
    assert picture.evaluate("image => image.naturalWidth") == 28


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_report_or_the_dialog(
    models: Page, scheme: Literal["light", "dark"]
) -> None:
    models.emulate_media(color_scheme=scheme)
    models.reload()
    expect(models.get_by_role("heading", name="What got better")).to_be_visible(timeout=30_000)
    settled(models)
    assert settled_findings(models) == []
    asked(models, "waiting")
    assert settled_findings(models) == []
