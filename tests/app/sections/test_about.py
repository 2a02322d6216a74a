"""The page About this model and its model card, on scripted services."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.clients.trainer import Model
from app.sections.about.card import make_card, to_json
from app.sections.about.card_html import to_html
from tests.support.app import trainer_json
from tests.support.app.described_version import BINS, described_version
from tests.support.app.pages import READY, charts, open_page, page_text, run_json, script_services
from tests.support.scripted_server import ScriptedServer

VERSIONS = [
    described_version("x2"),
    trainer_json.version("old", "former", accuracy=0.6, calibration_error=0.05),
    trainer_json.version("bad", "former") | {"metadata": {}, "error": "Its weights are missing."},
]


@pytest.fixture(autouse=True)
def two_versions(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    script_services(
        scripted,
        monkeypatch,
        run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00"),
        READY,
        VERSIONS,
        classes=trainer_json.classes({"Hat": 3}),
    )


def card_of(version: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The model card of a version: as HTML, and as JSON."""
    model = Model.model_validate(version)
    card = make_card(model)
    return to_html(card), json.loads(json.dumps(to_json(card, model)))


def test_the_live_version_is_described_in_words() -> None:
    at = open_page("about")
    text = page_text(at)
    for words in (
        "Names 92.0 % of 3,000 test pictures right.",
        "Best at Bag (99.5 %), weakest at Shirt (72.0 %).",
        "Often takes a Shirt for a Coat (19 %) or a Bag (7 %).",
        "Only 4 test pictures.",
        "16 % of what it calls Coat is something else.",
        "It also learned from 3 corrections: Hat (2) and Shirt (1).",
        "Test corrections, which it never learned from: 5 of 5 right.",
        "Own classes: Hat.",
        "Photos are harder",
        "Too sure of itself: 83.3 % sure on average, and right in 78.0 % of all cases.",
        "10,000 pictures/s",
    ):
        assert words in text, words
    figure = charts(at)["How sure it is, and how often it is right"]
    assert figure["data"][0]["x"] == [0.6, 0.95]  # one picture alone says nothing


def test_any_version_can_be_asked_for_by_its_name() -> None:
    at = open_page("about", version="old")
    text = page_text(at)
    assert "Names 60.0 % of its test pictures right." in text
    assert "5.0 points apart on average" in text
    assert "not stored with this version" in text
    assert "Not measured" in text
    assert not charts(at)
    at.selectbox[0].select("fashion_mnist_model:x2").run()
    assert "Names 92.0 %" in page_text(at)


def test_a_version_that_does_not_exist_is_said_and_the_live_one_shown() -> None:
    text = page_text(open_page("about", version="nowhere"))
    assert "There is no version nowhere." in text
    assert "Names 92.0 %" in text


def test_of_a_damaged_version_only_the_damage_is_shown() -> None:
    at = open_page("about", version="bad")
    assert "Its weights are missing." in page_text(at)
    assert "Known limits" not in page_text(at)


def test_the_page_waits_for_the_trainer(nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINER_URL", nobody)
    at: AppTest = open_page("about")
    assert "The live model keeps answering." in page_text(at)


def test_the_card_is_one_file_that_needs_nothing_else() -> None:
    html, data = card_of(VERSIONS[0])
    assert html.startswith("<!DOCTYPE html>")
    assert "Often takes a Shirt for a Coat" in html
    assert "<svg" in html
    assert "60 % sure: 50 % of 1,000 right" in html
    for outside in ("<script", "http://", "https://", "url(", "<link", "<img"):
        assert outside not in html
    assert data["classes"][-1] == {
        "name": "Shirt",
        "accuracy": 0.72,
        "pictures": 970,
        "precision": pytest.approx(720 / 730),
        "mistaken_for": {"Coat": pytest.approx(180 / 970), "Bag": pytest.approx(70 / 970)},
    }
    assert data["calibration"] == {"error": 0.021, "bins": BINS}
    assert data["cost"]["seconds"]["pictures_1"] == 0.0004


def test_a_card_takes_nothing_of_what_people_wrote_for_html() -> None:
    named = trainer_json.version(
        "x3", "stored", class_names=["<b>Hat"], per_class_accuracy={"<b>Hat": 0.9}, author="<i>me"
    )
    html, _ = card_of(named)
    assert "&lt;b&gt;Hat" in html
    assert "&lt;i&gt;me" in html
    assert "<b>" not in html
    assert "<i>" not in html
