"""Saying what a picture shows, and the page of what was said, in a real browser."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from playwright.sync_api import Locator, Page, expect
from streamlit.testing.v1 import AppTest

from app.components.feedback import Question
from app.components.feedback import action_of as verdict_of
from app.components.gallery import Action, action_of
from app.text.correction_states import STATES
from tests.app.conftest import SAID
from tests.app.views.test_pages import NO_CORRECTIONS, READY, opened, words
from tests.support.browser import TROUSERS, answered, draw, settled, surface
from tests.support.processes import ROOT, Server
from tests.support.scripted_server import Request, ScriptedServer, json_answer

A_BAG = NO_CORRECTIONS | {
    "corrections": [
        {
            "id": 1,
            "label": "Bag",
            "predicted": "Shirt",
            "model": None,
            "source": "pad",
            "created_at": "2026-01-02T03:04:05+00:00",
            "state": "new",
            "reason": None,
            "held_out": False,
            "png": "",
        }
    ]
}


@pytest.fixture
def gallery(page: Page, app_url: str, some_corrections: list[int]) -> Iterator[Page]:
    """A visitor on the Corrections page; nothing may go wrong in the browser."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"{app_url}/corrections")
    settled(page)
    expect(card(page, some_corrections[-1])).to_be_visible(timeout=15_000)
    yield page
    assert troubles == []


def card(page: Page, number: int) -> Locator:
    return page.locator(f".st-key-gallery li[data-id='{number}']")


def notice(page: Page) -> Locator:
    return page.locator(".st-key-gallery .notice")


def undo(page: Page) -> None:
    notice(page).get_by_role("button", name="Undo").click()


def label(trainer_url: str, number: int) -> str | None:
    """What the store says of it now; None if it is not there."""
    return _stored(trainer_url, number).get("label")


def state(trainer_url: str, number: int) -> str | None:
    """The state in which it is there; None if it is not there."""
    return _stored(trainer_url, number).get("state")


def _stored(trainer_url: str, number: int) -> dict[str, Any]:
    answer = requests.get(
        f"{trainer_url}/corrections", params={"after": number + 1, "limit": 1}, timeout=10
    )
    return next((it for it in answer.json()["corrections"] if it["id"] == number), {})


def kept_by(page: Page, source: str) -> Locator:
    return page.locator(f".st-key-{source}_verdict")


def number_in(text: str) -> int:
    found = re.search(r"number (\d+)", text)
    assert found is not None, text
    return int(found[1])


def test_a_drawing_is_said_to_be_right_and_that_is_undone(
    page: Page, app_url: str, trainer_url: str
) -> None:
    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    draw(page, TROUSERS)
    answered(page, 1)
    verdict = kept_by(page, "pad")
    expect(verdict).to_contain_text("corrections.db")
    verdict.get_by_role("button", name="Right").click()
    expect(verdict).to_contain_text("Kept as Trouser, number")
    expect(verdict.get_by_role("button", name="Right")).to_have_count(0)
    expect(verdict.get_by_text("corrections.db")).to_be_hidden()
    number = number_in(verdict.get_by_role("status").inner_text())
    assert label(trainer_url, number) == "Trouser"
    verdict.get_by_role("button", name="Undo").click()
    expect(verdict.get_by_role("button", name="Right")).to_be_visible()
    assert label(trainer_url, number) is None


def test_a_drawing_is_given_its_class_and_the_next_stroke_asks_anew(
    page: Page, app_url: str, trainer_url: str
) -> None:
    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    draw(page, [(100, 60), (340, 60), (300, 400), (140, 400)])
    answered(page, 1)
    verdict = kept_by(page, "pad")
    said = page.locator(".answer .label").inner_text()
    other = "Sandal" if said != "Sandal" else "Coat"
    expect(verdict.get_by_role("button", name=other)).to_have_count(0)
    verdict.get_by_role("button", name="No, it is").click()
    expect(verdict.get_by_role("button", name=said, exact=True)).to_have_count(0)
    verdict.get_by_role("button", name=other, exact=True).click()
    expect(verdict).to_contain_text(f"Kept as {other}, number")
    assert label(trainer_url, number_in(verdict.get_by_role("status").inner_text())) == other
    draw(page, [(20, 20), (60, 24)], close=False)
    answered(page, 2)
    expect(verdict.get_by_role("button", name="Right")).to_be_visible()


def test_drawing_alone_asks_the_trainer_for_nothing(
    page: Page, app_url: str, trainer_url: str
) -> None:
    def requests_so_far() -> float:
        text = requests.get(f"{trainer_url}/metrics", timeout=10).text
        counted = re.findall(r"^bentoml_service_request_total{.*} (\S+)$", text, re.MULTILINE)
        return sum(float(count) for count in counted)

    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    before = requests_so_far()
    draw(page, TROUSERS)
    answered(page, 1)
    draw(page, [(20, 20), (60, 24)], close=False)
    answered(page, 2)
    assert requests_so_far() == before


def test_an_upload_is_given_its_class(
    page: Page, app_url: str, trainer_url: str, trousers: bytes
) -> None:
    page.goto(app_url)
    page.get_by_role("tab", name="Upload").click()
    page.locator(".st-key-files input[type=file]").set_input_files(
        {"name": "jeans.png", "mimeType": "image/png", "buffer": trousers}
    )
    verdict = kept_by(page, "upload")
    verdict.get_by_role("button", name="Right").click(timeout=15_000)
    expect(verdict).to_contain_text("Kept as Trouser")
    assert label(trainer_url, number_in(verdict.get_by_role("status").inner_text())) == "Trouser"
    page.get_by_role("link", name="See all corrections").click()
    expect(page.get_by_role("heading", name="Corrections")).to_be_visible()


def test_each_card_says_what_was_said_and_why_it_is_not_used(
    gallery: Page, some_corrections: list[int]
) -> None:
    new, accepted, aside, _, disputed = some_corrections
    expect(card(gallery, new)).to_contain_text("The model said Shirt")
    expect(card(gallery, accepted)).to_contain_text("The model said so too")
    expect(card(gallery, aside)).to_contain_text("It looks like Shirt.")
    expect(card(gallery, disputed)).to_contain_text("The same picture is also labelled Bag.")
    expect(card(gallery, disputed).get_by_role("button", name="Accept")).to_be_hidden()
    picture = card(gallery, new).get_by_role("img")
    assert picture.evaluate("image => image.naturalWidth") == 28


def test_deleted_and_back(gallery: Page, some_corrections: list[int], trainer_url: str) -> None:
    number = some_corrections[2]
    card(gallery, number).get_by_role("button", name="Delete").click()
    expect(notice(gallery)).to_contain_text(f"Number {number}, Bag, is deleted.")
    expect(card(gallery, number)).to_have_count(0)
    assert label(trainer_url, number) is None
    undo(gallery)
    expect(card(gallery, number)).to_contain_text("It looks like Shirt.")
    assert label(trainer_url, number) == "Bag"


def test_relabelled_and_back(gallery: Page, some_corrections: list[int], trainer_url: str) -> None:
    number = some_corrections[1]
    card(gallery, number).get_by_role("combobox").select_option("Dress")
    expect(notice(gallery)).to_contain_text(f"Number {number} is Dress now, not Coat.")
    assert label(trainer_url, number) == "Dress"
    undo(gallery)
    expect(notice(gallery)).to_contain_text(f"Number {number} is Coat again.")
    expect(card(gallery, number)).to_contain_text("Accepted")


def test_two_that_agree_at_last_are_one_until_that_is_undone(
    gallery: Page, some_corrections: list[int], trainer_url: str
) -> None:
    first, second = some_corrections[3:]
    card(gallery, second).get_by_role("combobox").select_option("Bag")
    expect(notice(gallery)).to_contain_text("they are one now")
    expect(card(gallery, first)).to_contain_text("New")
    undo(gallery)
    expect(card(gallery, second)).to_contain_text("Disputed")
    assert label(trainer_url, second) == "Shirt"


def test_one_that_was_set_aside_is_accepted(gallery: Page, some_corrections: list[int]) -> None:
    number = some_corrections[2]
    card(gallery, number).get_by_role("button", name="Accept").click()
    expect(card(gallery, number)).to_contain_text("Accepted")
    expect(card(gallery, number)).not_to_contain_text("It looks like")


def test_a_question_is_answered_with_what_one_version_says_and_asked_again(
    page: Page, app_url: str, trainer_url: str, a_question: int
) -> None:
    page.goto(f"{app_url}/corrections?state=review_requested")
    one = card(page, a_question)
    expect(one).to_contain_text("In question", timeout=30_000)
    expect(one).to_contain_text(SAID)
    expect(one.locator("select option:checked")).to_have_text("Which is it?")
    one.get_by_role("button", name=f"Coat: answer number {a_question}").click()
    expect(notice(page)).to_contain_text(f"Number {a_question} is Coat: kept.")
    expect(one).to_have_count(0)
    assert state(trainer_url, a_question) == "accepted"
    undo(page)
    expect(one).to_contain_text(SAID)
    assert state(trainer_url, a_question) == "review_requested"


@pytest.mark.parametrize("answer", ["Coat", "Sneaker"])
def test_a_question_is_answered_with_any_class(
    page: Page, app_url: str, trainer_url: str, a_question: int, answer: str
) -> None:
    page.goto(f"{app_url}/corrections?state=review_requested")
    card(page, a_question).get_by_role("combobox").select_option(answer, timeout=30_000)
    expect(notice(page)).to_contain_text(f"Number {a_question} is {answer}: kept.")
    assert state(trainer_url, a_question) == "new"
    assert label(trainer_url, a_question) == answer
    page.get_by_role("radio", name="All").click()
    expect(card(page, a_question).locator("select option:checked")).to_have_text(answer)


def test_the_keyboard_is_at_undo_after_a_deletion(
    gallery: Page, some_corrections: list[int]
) -> None:
    number = some_corrections[0]
    card(gallery, number).get_by_role("button", name="Delete").focus()
    gallery.keyboard.press("Enter")
    expect(notice(gallery).get_by_role("button", name="Undo")).to_be_focused()
    gallery.keyboard.press("Enter")
    expect(card(gallery, number)).to_be_visible()


def test_only_those_in_a_state_or_of_a_class(gallery: Page, some_corrections: list[int]) -> None:
    aside, coat = some_corrections[2], some_corrections[1]
    gallery.get_by_role("radio", name="Set aside").click()
    expect(card(gallery, coat)).to_have_count(0)
    expect(card(gallery, aside)).to_be_visible()
    gallery.get_by_role("radio", name="All").click()
    gallery.locator(".st-key-corrections_class").click()
    gallery.get_by_role("option", name="Coat").click()
    expect(card(gallery, aside)).to_have_count(0)
    expect(card(gallery, coat)).to_be_visible()


def test_an_address_names_the_state_to_show(
    page: Page, app_url: str, some_corrections: list[int]
) -> None:
    aside, coat = some_corrections[2], some_corrections[1]
    page.goto(f"{app_url}/corrections?state=quarantined")
    settled(page)
    expect(card(page, aside)).to_be_visible(timeout=15_000)
    expect(page.get_by_text("None is used unless you accept it.")).to_be_visible()
    expect(card(page, coat)).to_have_count(0)
    page.get_by_role("radio", name="Accepted").click()
    expect(card(page, coat)).to_be_visible()
    assert page.url.endswith("/corrections?state=accepted")
    page.get_by_role("radio", name="All").click()
    expect(card(page, aside)).to_be_visible()
    assert page.url.endswith("/corrections")


def test_all_of_them_are_downloaded_and_taken_back(
    gallery: Page, some_corrections: list[int], trainer_url: str, tmp_path: Path
) -> None:
    with gallery.expect_download() as download:
        gallery.get_by_role("button", name="Download all").click()
    archive = tmp_path / download.value.suggested_filename
    download.value.save_as(archive)
    assert archive.name == "corrections.zip"
    with zipfile.ZipFile(archive) as files:
        assert f"pictures/{some_corrections[0]}.png" in files.namelist()
    requests.delete(f"{trainer_url}/corrections/{some_corrections[0]}", timeout=10)
    gallery.locator(".st-key-import_folded summary").click()
    gallery.get_by_label("file upload").set_input_files(archive)
    gallery.get_by_role("button", name="Import", exact=True).click()
    expect(gallery.get_by_text("1 added;")).to_be_visible()
    assert label(trainer_url, some_corrections[0]) == "Bag"


# --- States of the world -------------------------------------------------------------------------


def stand_in(server: ScriptedServer, patch: pytest.MonkeyPatch, page: dict[str, Any]) -> None:
    def answer(request: Request) -> tuple[int, str, bytes]:
        return json_answer(READY if request[1] == "/model" else page)

    server.answer = answer
    patch.setenv("CLASSIFIER_URL", server.url)
    patch.setenv("TRAINER_URL", server.url)


def test_an_empty_store_says_where_to_begin(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(scripted, monkeypatch, NO_CORRECTIONS)
    assert "Nothing is kept yet" in words(opened("corrections"))


@pytest.mark.parametrize("name", list(STATES))
def test_each_state_can_be_asked_for_and_says_what_it_means(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    stand_in(scripted, monkeypatch, A_BAG | {"counts": NO_CORRECTIONS["counts"] | {name: 1}})
    at = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=30).run()
    at.query_params["state"] = name
    at.switch_page("views/corrections.py").run()
    assert not at.exception
    assert STATES[name].meaning in [caption.value for caption in at.caption]
    assert f"state={name}&" in scripted.seen[-1][1]


def test_a_state_that_does_not_exist_shows_all(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(scripted, monkeypatch, NO_CORRECTIONS)
    at = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=30).run()
    at.query_params["state"] = "lost"
    at.switch_page("views/corrections.py").run()
    assert not at.exception
    assert "state=" not in scripted.seen[-1][1]


def test_an_answer_that_makes_no_sense_is_told(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(scripted, monkeypatch, {"corrections": None})
    assert "an answer this page does not understand" in words(opened("corrections"))


def test_what_could_not_be_kept_is_told_and_can_be_said_again(
    page: Page, app_url: str, trainer: Server
) -> None:
    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    draw(page, TROUSERS)
    answered(page, 1)
    verdict = kept_by(page, "pad")
    worker = psutil.Process(trainer.process.pid).children()
    for process in worker:
        process.suspend()
    try:
        verdict.get_by_role("button", name="Right").click()
        expect(verdict.get_by_role("alert")).to_contain_text("It was not kept.", timeout=20_000)
    finally:
        for process in worker:
            process.resume()
    verdict.get_by_role("button", name="Right").click()
    expect(verdict).to_contain_text("as Trouser, number")


REVIEW_REQUESTED = Question("d1", "Bag", ["Bag", "Coat"], "…", None, undoable=False, trouble=None)


@pytest.mark.parametrize(
    ("sent", "chosen"),
    [
        ({"name": "keep", "label": "Coat", "digest": "d1"}, "Coat"),
        ({"name": "keep", "label": "Coat", "digest": "d0"}, None),
        ({"name": "keep", "label": "Hat", "digest": "d1"}, None),
        ({"name": "keep", "label": ["Coat"], "digest": "d1"}, None),
        ({"name": "undo", "digest": "d1"}, None),
        ([], None),
    ],
)
def test_a_verdict_from_a_browser_is_read_with_care(sent: Any, chosen: str | None) -> None:
    assert verdict_of(sent, REVIEW_REQUESTED) == chosen


def test_undo_is_taken_where_it_was_offered() -> None:
    offered = replace(REVIEW_REQUESTED, undoable=True)
    assert verdict_of({"name": "undo", "digest": "d1"}, offered) == ""


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
def test_what_a_browser_sends_is_read_with_care(sent: Any, action: Action | None) -> None:
    assert action_of(sent, ["Bag", "Coat"]) == action
