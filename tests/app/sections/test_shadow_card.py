"""A version in the shadow: what the trainer is asked, and what the Models page shows and does."""

import json
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, expect
from streamlit.testing.v1 import AppTest

from app.clients import shadow, trainer
from app.clients.http import InvalidResponse, RequestRejected
from tests.app.views.test_accessibility import settled_findings
from tests.app.views.test_pages import NO_SHADOW, READY, opened, run_in, stand_in_for_both, words
from tests.app.views.test_retrain import links
from tests.support import correction_pages
from tests.support import scripted_prometheus as told
from tests.support.scripted_server import Request, ScriptedServer, json_answer

VERSIONS = [
    correction_pages.version("x1", "champion"),
    correction_pages.version(
        "old", "former", promotions=[correction_pages.promotion("gate", None)]
    ),
    correction_pages.version("unused", "stored"),
]
OLD = {
    "version": "old",
    "share": 0.25,
    "since": "2026-01-02T03:04:05.678+00:00",
    "workers": 2,
    "reason": None,
}


# --- What the trainer is asked -------------------------------------------------------------------


def test_a_real_trainer_has_no_shadow_and_takes_no_champion_for_one(
    trainer_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_URL", trainer_url)
    champion = next(model for model in trainer.models() if model.champion)
    with pytest.raises(RequestRejected, match="That version is the champion"):
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
    """A trainer with three versions, and Prometheus beside it."""
    monkeypatch.setenv("PROMETHEUS_URL", scripted.url)
    stand_in_for_both(scripted, monkeypatch, run_in("cancelled"), READY, VERSIONS)
    return scripted


def stands(
    server: ScriptedServer,
    now: dict[str, Any] | None,
    *,
    agreed: int = 0,
    disagreed: int = 0,
    dropped: int = 0,
) -> None:
    """The shadow is as told, until it is set or ended; None: the trainer cannot say."""
    others = server.answer
    counted = {"agreed": agreed, "disagreed": disagreed, "dropped": dropped}
    numbers = [
        told.number("shadow_pictures:increase5m", count, result=result)
        for result, count in counted.items()
    ]
    state = {"now": now}

    def answer(request: Request) -> tuple[int, str, bytes]:
        verb, path, body = request
        if path != "/shadow":
            return told.answer(request, numbers) or others(request)
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


def ordered(server: ScriptedServer) -> list[tuple[str, Any]]:
    """Each order about the shadow that the trainer got."""
    return [
        (verb, json.loads(body or b"null"))
        for verb, path, body in server.seen
        if path == "/shadow" and verb != "GET"
    ]


def test_only_a_version_that_is_not_served_can_run_in_the_shadow(server: ScriptedServer) -> None:
    stands(server, NO_SHADOW)
    at = opened("models")
    keys = {button.key for button in at.button if button.label == "Run in the shadow"}
    assert keys == {"shadow_old", "shadow_unused"}
    assert "Stop the shadow" not in buttons(at)


def test_what_the_shadow_has_found_is_told_on_its_card(server: ScriptedServer) -> None:
    stands(server, OLD, agreed=964, disagreed=36, dropped=1200)
    at = opened("models")
    said = words(at)
    assert "It answers 25 % of the pictures too, on 2 workers, since 2 Jan 2026" in said
    assert "It said the same as the one that is served on **96.4 %** of 1,000 pictures." in said
    assert "It had no time for 1,200 more." in said
    assert (
        links(at)["See the pictures on which they disagree"] == "corrections?state=review_requested"
    )
    asked = [path for _, path, _ in server.seen if "shadow_pictures_total" in path]
    assert all("fashion_mnist_model%3Aold" in path for path in asked)


def test_before_the_first_picture_nothing_is_made_up(server: ScriptedServer) -> None:
    stands(server, OLD)
    assert "It has answered nothing yet." in words(opened("models"))


def test_without_prometheus_the_shadow_is_told_and_what_it_found_is_not(
    server: ScriptedServer, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands(server, OLD)
    monkeypatch.setenv("PROMETHEUS_URL", nobody)
    said = words(opened("models"))
    assert "on 2 workers" in said
    assert "What it has found is not known. Prometheus does not answer" in said


def test_one_click_stops_it(server: ScriptedServer) -> None:
    stands(server, OLD)
    at = opened("models")
    at.button(key="stop_shadow").click().run()
    assert not at.exception
    assert ordered(server) == [("DELETE", None)]
    assert "<b>In the shadow</b>" not in words(at)


def test_why_a_shadow_ended_by_itself_is_told_until_it_was_read(server: ScriptedServer) -> None:
    stands(server, OLD | {"workers": 0, "reason": "It is the champion now."})
    at = opened("models")
    assert "Version **old** is in the shadow no more. It is the champion now." in words(at)
    assert "<b>In the shadow</b>" not in words(at)
    assert "Stop the shadow" not in buttons(at)
    at.button(key="stop_shadow").click().run()
    assert ordered(server) == [("DELETE", None)]
    assert "no more" not in words(at)


def test_a_trainer_that_cannot_tell_is_no_reason_to_hide_the_versions(
    server: ScriptedServer,
) -> None:
    stands(server, None)
    at = opened("models")
    assert "What runs in the shadow is not known. The disk is full." in words(at)
    assert not {"Run in the shadow", "Stop the shadow"} & buttons(at)
    assert "Go back to this version" in buttons(at)


def test_a_shadow_that_cannot_be_stopped_says_why(server: ScriptedServer) -> None:
    stands(server, OLD)
    at = opened("models")
    told_before = server.answer
    server.answer = lambda request: (
        json_answer({"error": "The disk is full."}, 500)
        if request[0] == "DELETE"
        else told_before(request)
    )
    at.button(key="stop_shadow").click().run()
    assert "The shadow was not stopped. The disk is full." in words(at)
    assert "Stop the shadow" in buttons(at)


# --- In the browser ------------------------------------------------------------------------------


def asked(page: Page, app_url: str, name: str) -> Locator:
    """The dialog that opens on a click on a version's button."""
    page.goto(f"{app_url}/models")
    page.locator(f".st-key-shadow_{name} button").click(timeout=60_000)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nobody sees its answers or waits for them", timeout=20_000)
    return dialog


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_version_is_set_into_the_shadow_on_a_share_of_the_pictures(
    page: Page, server: ScriptedServer, app_beside: str, scheme: Literal["light", "dark"]
) -> None:
    stands(server, NO_SHADOW)
    page.emulate_media(color_scheme=scheme)
    dialog = asked(page, app_beside, "unused")
    assert settled_findings(page) == []
    share = dialog.get_by_role("slider")
    share.press("ArrowLeft")
    expect(share).to_have_value("99")
    dialog.get_by_role("button", name="Run it").click()
    expect(page.get_by_text("It is to answer 99 % of the pictures too.")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert ordered(server) == [("PUT", {"version": "unused", "share": 0.99})]
    assert settled_findings(page) == []


def test_one_that_takes_the_place_of_another_says_so_before(
    page: Page, server: ScriptedServer, app_beside: str
) -> None:
    stands(server, OLD)
    dialog = asked(page, app_beside, "unused")
    expect(dialog).to_contain_text("It takes the place of version old.")
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_have_count(0)
    assert not ordered(server)


def test_its_card_goes_on_by_itself(page: Page, server: ScriptedServer, app_beside: str) -> None:
    """Only a browser shows that the numbers come anew, and that an end is seen."""
    stands(server, OLD, agreed=1, disagreed=1)
    page.goto(f"{app_beside}/models")
    expect(page.get_by_text("of 2 pictures")).to_be_visible(timeout=60_000)
    stands(server, OLD, agreed=3, disagreed=1)
    expect(page.get_by_text("of 4 pictures")).to_be_visible(timeout=20_000)
    stands(server, OLD | {"workers": 0, "reason": "It is no longer in the model store."})
    expect(page.get_by_text("no more. It is no longer in the")).to_be_visible(timeout=20_000)
