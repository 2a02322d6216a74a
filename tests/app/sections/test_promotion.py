"""Promotion on the Models page: candidates, gate reports, and rollback."""

import json
import re
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, expect
from streamlit.testing.v1 import AppTest

from app.text.formatting import plain
from tests.support.app import trainer_json
from tests.support.app.pages import (
    READY,
    charts,
    open_details,
    open_page,
    page_text,
    run_json,
    script_services,
    serving,
)
from tests.support.browser import axe_findings, settled
from tests.support.scripted_server import Request, ScriptedServer, json_answer

NOT_PROMOTED = trainer_json.gate(promoted=False)
REASON = "We need bags & nothing else."
VERSIONS = [
    trainer_json.version("waiting", "candidate", NOT_PROMOTED),
    trainer_json.version(
        "x1",
        "champion",
        trainer_json.gate(promoted=True, champion="fashion_mnist_model:before"),
        promotions=[
            trainer_json.promotion("gate", "before"),
            trainer_json.promotion("person", "other", REASON),
        ],
    ),
    trainer_json.version("before", "former", promotions=[trainer_json.promotion("gate", None)]),
    trainer_json.version("unused", "stored"),
]


@pytest.fixture(autouse=True)
def one_of_each(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Script a trainer that has a version in each status."""
    script_services(
        scripted,
        monkeypatch,
        run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00"),
        serving("x1"),
        VERSIONS,
        report=trainer_json.report(NOT_PROMOTED),
    )


def promoted(server: ScriptedServer) -> list[tuple[str, Any]]:
    """Return the path and body of each promotion request."""
    return [
        (path, json.loads(body or b"null"))
        for verb, path, body in server.seen
        if verb == "POST" and path.endswith("/promote")
    ]


def clicked(name: str) -> AppTest:
    """Return the page after a click on the button of one version."""
    at = open_page("models")
    at.button(key=f"promote_{name}").click().run()
    assert not at.exception
    return at


# --- Status of each version ----------------------------------------------------------------------


def test_each_version_shows_its_status_and_its_button() -> None:
    at = open_page("models")
    text = page_text(at)
    for badge in ("<b>Live</b>", "<b>Candidate</b>", "<b>Previously live</b>", "<b>Never live</b>"):
        assert text.count(badge) == 1, badge
    assert "**x1** is live." in text
    buttons = {button.key: button.label for button in at.button if button.key}
    assert {key: label for key, label in buttons.items() if "promote" in key} == {
        "promote_waiting": "Promote anyway",
        "promote_before": "Roll back",
        "promote_unused": "Promote",
    }


def test_the_card_of_a_candidate_shows_why_it_was_not_promoted() -> None:
    text = page_text(open_page("models"))
    assert f"Not promoted, compared with x1: {trainer_json.WORSE}" in text
    assert text.count("Not promoted") == 1


# --- Promotion and rollback ----------------------------------------------------------------------


def test_one_click_rolls_back_and_the_page_confirms_it(scripted: ScriptedServer) -> None:
    at = clicked("before")
    assert promoted(scripted) == [("/models/before/promote", None)]
    assert [it.value for it in at.toast] == [plain("before is live on 2 workers after 0.2 s.")]


def test_a_refused_promotion_shows_the_reason(scripted: ScriptedServer) -> None:
    others = scripted.answer
    scripted.answer = lambda request: (
        json_answer({"error": "Its weights are gone."}, 404)
        if request[0] == "POST"
        else others(request)
    )
    expected = "Its weights are gone. The live model hasn't changed."
    assert expected in page_text(clicked("before"))


def test_a_promotion_without_a_running_classifier_says_so(scripted: ScriptedServer) -> None:
    others = scripted.answer

    def nobody_runs(request: Request) -> tuple[int, str, bytes]:
        detail = {"detail": "No classifier runs."}
        return json_answer(detail, 202) if request[0] == "POST" else others(request)

    scripted.answer = nobody_runs
    [toast] = clicked("before").toast
    assert toast.value == plain("before is promoted. No classifier runs.")


# --- The report ----------------------------------------------------------------------------------


def test_the_report_compares_metrics_and_classes_with_the_live_version_of_then() -> None:
    at = open_details("waiting")
    text = page_text(at)
    assert "On validation pictures. x1 was live at the time." in text
    assert _rows(text) == {
        "Accuracy": ("92.0 %", "91.9 %", "-0.1 points"),
        "Test corrections": ("2 of 5", "5 of 5", "+3"),
        "Calibration error": ("1.2 %", "1.4 %", "+0.2 points"),
        "Shirt": ("84.2 %", "80.1 %", "-4.1 points"),
    }
    figure = charts(at)["Validation accuracy compared with x1, in points"]
    [bars] = figure["data"]
    assert dict(zip(bars["y"], bars["text"], strict=True)) == {
        "Shirt": "-4.1",
        "Coat": "same",
        "Bag": "+3.1",
    }


def test_pictures_show_what_got_better_and_what_got_worse() -> None:
    at = open_details("waiting")
    better, worse = (html for html in _html(at) if 'class="examples"' in html)
    assert "<b>Bag</b>: was Shirt, now Bag<small>Your correction</small>" in better
    assert "<b>Coat</b>: was Shirt, now Coat</span>" in better
    assert "<b>Shirt</b>: was Shirt, now Coat" in worse
    assert (better.count("<img"), worse.count("<img")) == (2, 1)


def test_a_report_without_pictures_still_has_its_metrics(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    script_services(scripted, monkeypatch, run, READY, VERSIONS)
    at = open_details("waiting")
    assert "No pictures to show." in page_text(at)
    assert "Validation accuracy compared with x1, in points" in charts(at)


def test_no_report_is_fetched_while_details_are_closed(scripted: ScriptedServer) -> None:
    open_page("models")
    assert not [path for _, path, _ in scripted.seen if path.endswith("/report")]


def test_a_version_that_was_never_compared_has_no_report() -> None:
    at = open_details("before")
    assert "live at the time" not in page_text(at)
    assert "Compared" not in {tab.label for tab in at.tabs}


def test_promotions_are_listed_newest_first_with_their_reasons() -> None:
    [promotions] = [
        html for html in _html(open_details("x1", "Promotions")) if 'class="promotions"' in html
    ]
    by_person, by_gate = promotions.split("</li>")[:2]
    assert "3 Jan 2026" in by_person
    assert "by a person, replacing other<q>We need bags &amp; nothing else.</q>" in by_person
    assert "automatically after training, replacing before" in by_gate


def _rows(text: str) -> dict[str, tuple[str, ...]]:
    """Return the values in each row of a comparison's table, by the name of the row."""
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', text)
    return {name: tuple(re.findall(r"<td>(.*?)</td>", cells)) for name, cells in rows}


def _html(at: AppTest) -> list[str]:
    return [str(element.proto.body) for element in at.get("html")]


# --- In the browser ------------------------------------------------------------------------------


@pytest.fixture
def models(page: Page, app_beside: str) -> Page:
    """Open the Models page with a candidate's details."""
    page.goto(f"{app_beside}/models?version=waiting")
    expect(page.get_by_role("heading", name="What got better")).to_be_visible(timeout=30_000)
    settled(page)
    return page


def open_dialog(page: Page, name: str) -> Locator:
    """Click on the button of a version; return the dialog."""
    page.locator(f".st-key-promote_{name} button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    settled(page)
    return dialog


def test_a_candidate_is_promoted_only_with_a_reason(models: Page, scripted: ScriptedServer) -> None:
    dialog = open_dialog(models, "waiting")
    expect(dialog).to_contain_text("waiting did not pass the checks. It replaces x1")
    expect(dialog.get_by_role("row", name="Shirt 84.2 % 80.1 % -4.1 points")).to_be_visible()
    button = dialog.get_by_role("button", name="Promote anyway", exact=True)
    field = dialog.get_by_role("textbox", name="Why promote it anyway?")
    field.fill("   ")
    button.click()
    expect(dialog).to_contain_text("Enter a reason first.")
    assert not promoted(scripted)
    field.fill(f" {REASON} ")
    button.click()  # the field still has the focus; its text must count
    toast = models.get_by_text("waiting is live on 2 workers after 0.2 s.")
    expect(toast).to_be_in_viewport(timeout=15_000)
    expect(dialog).to_have_count(0)
    assert promoted(scripted) == [("/models/waiting/promote", {"reason": REASON})]


def test_a_version_that_was_never_live_needs_no_reason(
    models: Page, scripted: ScriptedServer
) -> None:
    dialog = open_dialog(models, "unused")
    expect(dialog.get_by_role("textbox")).to_have_count(0)
    dialog.get_by_role("button", name="Promote", exact=True).click()
    expect(models.get_by_text("unused is live on 2 workers")).to_be_visible(timeout=15_000)
    assert promoted(scripted) == [("/models/unused/promote", None)]


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_button_of_the_dialog_is_in_sight(models: Page, size: tuple[int, int]) -> None:
    models.set_viewport_size({"width": size[0], "height": size[1]})
    dialog = open_dialog(models, "waiting")
    button = dialog.get_by_role("button", name="Promote anyway", exact=True)
    expect(button).to_be_in_viewport(ratio=1)


def test_cancelling_changes_nothing(models: Page, scripted: ScriptedServer) -> None:
    dialog = open_dialog(models, "waiting")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert not promoted(scripted)


def test_a_picture_of_the_report_is_shown_as_it_is(models: Page) -> None:
    picture = models.get_by_role("img", name="What the model sees: Bag")
    assert picture.evaluate("image => image.naturalWidth") == 28


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_report_or_the_dialog(
    models: Page, scheme: Literal["light", "dark"]
) -> None:
    models.emulate_media(color_scheme=scheme)
    models.reload()
    expect(models.get_by_role("heading", name="What got better")).to_be_visible(timeout=30_000)
    settled(models)
    assert axe_findings(models) == []
    open_dialog(models, "waiting")
    assert axe_findings(models) == []
