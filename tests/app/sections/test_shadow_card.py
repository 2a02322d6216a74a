"""The shadow test: requests to the trainer, and its card on the Models page."""

import json
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, expect
from streamlit.testing.v1 import AppTest

from app.clients import shadow, trainer
from app.clients.http import InvalidResponse, RequestRejected
from tests.support.app import scripted_prometheus as recordings
from tests.support.app import trainer_json
from tests.support.app.pages import (
    NO_SHADOW,
    READY,
    links,
    open_page,
    page_text,
    run_json,
    script_services,
)
from tests.support.browser import axe_findings
from tests.support.scripted_server import Request, ScriptedServer, json_answer

VERSIONS = [
    trainer_json.version("x1", "champion"),
    trainer_json.version("old", "former", promotions=[trainer_json.promotion("gate", None)]),
    trainer_json.version("unused", "stored"),
]
OLD = {
    "version": "old",
    "share": 0.25,
    "since": "2026-01-02T03:04:05.678+00:00",
    "workers": 2,
    "reason": None,
}


# --- Requests to the trainer ---------------------------------------------------------------------


def test_a_real_trainer_has_no_shadow_and_refuses_the_live_version(
    trainer_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_URL", trainer_url)
    champion = next(model for model in trainer.models() if model.champion)
    with pytest.raises(RequestRejected, match="That version is live already"):
        shadow.start(champion.version, 1)
    with pytest.raises(RequestRejected, match="no version fashion_mnist_model:nosuch"):
        shadow.start("nosuch", 0.5)
    shadow.stop()
    assert shadow.fetch() is None


@pytest.mark.parametrize("raw", [None, [], {}, {"version": "a"}, {**OLD, "since": "yesterday"}])
def test_an_answer_of_another_shape_is_an_error_with_a_message(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, raw: Any
) -> None:
    monkeypatch.setenv("TRAINER_URL", scripted.url)
    scripted.answer = lambda _: json_answer(raw)
    with pytest.raises(InvalidResponse, match=r"does not understand.*another program"):
        shadow.fetch()
    with pytest.raises(InvalidResponse, match=r"does not understand.*another program"):
        shadow.start("a", 1)


# --- The page ------------------------------------------------------------------------------------


@pytest.fixture
def server(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """Script a trainer with three versions, and Prometheus."""
    monkeypatch.setenv("PROMETHEUS_URL", scripted.url)
    script_services(scripted, monkeypatch, run_json("cancelled"), READY, VERSIONS)
    return scripted


def script_shadow(
    server: ScriptedServer,
    now: dict[str, Any] | None,
    *,
    agreed: int = 0,
    disagreed: int = 0,
    dropped: int = 0,
) -> None:
    """Script the state of the shadow until it is started or stopped; None: the trainer fails."""
    others = server.answer
    counted = {"agreed": agreed, "disagreed": disagreed, "dropped": dropped}
    numbers = [
        recordings.number("shadow_pictures:increase5m", count, result=result)
        for result, count in counted.items()
    ]
    state = {"now": now}

    def answer(request: Request) -> tuple[int, str, bytes]:
        verb, path, body = request
        if path != "/shadow":
            return recordings.answer(request, numbers) or others(request)
        if state["now"] is None:
            return json_answer({"error": "The disk is full."}, 500)
        if verb == "PUT":
            state["now"] = OLD | {"workers": 0} | json.loads(body)
        elif verb == "DELETE":
            state["now"] = NO_SHADOW
            return 204, "text/plain", b""
        return json_answer(state["now"])

    server.answer = answer


def buttons(at: AppTest) -> set[str]:
    return {button.label for button in at.button}


def shadow_requests(server: ScriptedServer) -> list[tuple[str, Any]]:
    """Return the method and body of each request that changes the shadow."""
    return [
        (verb, json.loads(body or b"null"))
        for verb, path, body in server.seen
        if path == "/shadow" and verb != "GET"
    ]


def test_a_shadow_test_is_offered_for_every_version_but_the_live_one(
    server: ScriptedServer,
) -> None:
    script_shadow(server, NO_SHADOW)
    at = open_page("models")
    keys = {button.key for button in at.button if button.label == "Shadow test"}
    assert keys == {"shadow_old", "shadow_unused"}
    assert "Stop shadow test" not in buttons(at)


def test_the_card_shows_the_results(server: ScriptedServer) -> None:
    script_shadow(server, OLD, agreed=964, disagreed=36, dropped=1200)
    at = open_page("models")
    text = page_text(at)
    assert "Answers 25 % of pictures on 2 workers since 2 Jan 2026" in text
    assert "Agrees with the live version on **96.4 %** of 1,000 pictures." in text
    assert "Skipped 1,200 more when busy." in text
    assert links(at)["Review disagreements"] == "corrections?state=review_requested"
    queried = [path for _, path, _ in server.seen if "shadow_pictures_total" in path]
    assert all("fashion_mnist_model%3Aold" in path for path in queried)


def test_before_the_first_picture_there_are_no_results(server: ScriptedServer) -> None:
    script_shadow(server, OLD)
    assert "No answers yet." in page_text(open_page("models"))


def test_without_prometheus_the_card_has_no_results(
    server: ScriptedServer, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_shadow(server, OLD)
    monkeypatch.setenv("PROMETHEUS_URL", nobody)
    text = page_text(open_page("models"))
    assert "on 2 workers" in text
    assert "Results are unavailable. Prometheus does not answer" in text


def test_one_click_stops_it(server: ScriptedServer) -> None:
    script_shadow(server, OLD)
    at = open_page("models")
    at.button(key="stop_shadow").click().run()
    assert not at.exception
    assert shadow_requests(server) == [("DELETE", None)]
    assert "<b>Shadow test</b>" not in page_text(at)


def test_a_shadow_test_that_ended_by_itself_is_reported_until_dismissed(
    server: ScriptedServer,
) -> None:
    script_shadow(server, OLD | {"workers": 0, "reason": "It is the champion now."})
    at = open_page("models")
    assert "The shadow test of **old** ended. It is the champion now." in page_text(at)
    assert "<b>Shadow test</b>" not in page_text(at)
    assert "Stop shadow test" not in buttons(at)
    at.button(key="stop_shadow").click().run()
    assert shadow_requests(server) == [("DELETE", None)]
    assert "old** ended" not in page_text(at)


def test_versions_are_shown_when_the_shadow_is_unknown(
    server: ScriptedServer,
) -> None:
    script_shadow(server, None)
    at = open_page("models")
    assert "Couldn't check the shadow test. The disk is full." in page_text(at)
    assert not {"Shadow test", "Stop shadow test"} & buttons(at)
    assert "Roll back" in buttons(at)


def test_a_shadow_test_that_cannot_be_stopped_shows_the_reason(server: ScriptedServer) -> None:
    script_shadow(server, OLD)
    at = open_page("models")
    others = server.answer
    server.answer = lambda request: (
        json_answer({"error": "The disk is full."}, 500)
        if request[0] == "DELETE"
        else others(request)
    )
    at.button(key="stop_shadow").click().run()
    assert "The shadow test is still running. The disk is full." in page_text(at)
    assert "Stop shadow test" in buttons(at)


# --- In the browser ------------------------------------------------------------------------------


def open_dialog(page: Page, app_url: str, name: str) -> Locator:
    """Click on the button of a version; return the dialog."""
    page.goto(f"{app_url}/models")
    page.locator(f".st-key-shadow_{name} button").click(timeout=60_000)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nobody sees its answers or waits for them", timeout=20_000)
    return dialog


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_shadow_test_is_started_on_a_share_of_the_pictures(
    page: Page, server: ScriptedServer, app_beside: str, scheme: Literal["light", "dark"]
) -> None:
    script_shadow(server, NO_SHADOW)
    page.emulate_media(color_scheme=scheme)
    dialog = open_dialog(page, app_beside, "unused")
    assert axe_findings(page) == []
    share = dialog.get_by_role("slider")
    share.press("ArrowLeft")
    expect(share).to_have_value("99")
    dialog.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Will answer 99 % of pictures.")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert shadow_requests(server) == [("PUT", {"version": "unused", "share": 0.99})]
    assert axe_findings(page) == []


def test_the_dialog_names_the_shadow_test_that_is_replaced(
    page: Page, server: ScriptedServer, app_beside: str
) -> None:
    script_shadow(server, OLD)
    dialog = open_dialog(page, app_beside, "unused")
    expect(dialog).to_contain_text("This replaces the shadow test of old.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert not shadow_requests(server)


def test_the_card_refreshes_by_itself(page: Page, server: ScriptedServer, app_beside: str) -> None:
    """Only a browser shows that results and the end of the test appear without a click."""
    script_shadow(server, OLD, agreed=1, disagreed=1)
    page.goto(f"{app_beside}/models")
    expect(page.get_by_text("of 2 pictures")).to_be_visible(timeout=60_000)
    script_shadow(server, OLD, agreed=3, disagreed=1)
    expect(page.get_by_text("of 4 pictures")).to_be_visible(timeout=20_000)
    script_shadow(server, OLD | {"workers": 0, "reason": "It is no longer in the model store."})
    expect(page.get_by_text("ended. It is no longer in the")).to_be_visible(timeout=20_000)
