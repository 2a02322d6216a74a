"""The Retrain page after a run: pictures that were corrected, and those that were left out."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app import trainer_json
from tests.support.app.pages import answer_also, finished, links, page_text
from tests.support.scripted_server import ScriptedServer

PNG = trainer_json.report(trainer_json.gate(promoted=True))["better"][0]["png"]
USAGE = {"used": 3, "held_out": 1, "quarantined": 0}
LIVE = trainer_json.version("x1", "champion")
FORMER = trainer_json.version("x1", "former", corrections_used=["old:Bag"])


def correction(number: int, label: str, predicted: str | None, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "content_hash": f"hash{number}",
        "label": label,
        "predicted": predicted,
        "model": None,
        "source": "pad",
        "created_at": "2026-01-01T03:04:05+00:00",
        "state": "new",
        "reason": None,
        "held_out": False,
        "png": PNG,
        **more,
    }


def answers(tag: str, *labels: str) -> list[dict[str, Any]]:
    return [
        {"label": label, "confidence": 0.9, "probabilities": {label: 0.9}, "model": tag}
        for label in labels
    ]


def strip(at: AppTest) -> str:
    """Return the list of the corrected pictures, empty if there is none."""
    found = [it.proto.body for it in at.get("html") if 'class="strip"' in it.proto.body]
    return found[0] if found else ""


def after_a_run(
    retrain: Any,
    rows: list[dict[str, Any]],
    classified: list[dict[str, Any]],
) -> AppTest:
    used = ["hash1:Bag", "hash2:Coat", "old:Bag"]
    live = trainer_json.version("x2", "champion", corrections_used=used)
    run = finished(trainer_json.gate(promoted=True), corrections=USAGE)
    page = {**trainer_json.corrections(new=len(rows)), "corrections": rows}
    at: AppTest = retrain(
        live, FORMER, run=run, more={"corrections": page, "classify_many": classified}
    )
    return at


def test_what_was_corrected_is_shown_before_and_after(retrain: Any) -> None:
    rows = [
        correction(5, "Bag", "Shirt", created_at="2026-02-01T00:00:00+00:00"),  # after the run
        correction(4, "Shirt", "Bag", held_out=True),
        correction(3, "Coat", "Coat"),  # was right before
        correction(2, "Coat", "Bag"),
        correction(1, "Bag", "Shirt"),
    ]
    classified = answers("fashion_mnist_model:x2", "Shirt", "Dress", "Bag")
    at = after_a_run(retrain, rows, classified)
    assert "Your corrections: 2 of 3 right now, 0 before" in page_text(at)
    assert strip(at).count("<li>") == 3
    assert "was Bag" in strip(at)
    assert '<span class="wrong">now Dress' in strip(at)
    assert '<span class="right">now Shirt' in strip(at)


def test_another_version_that_answers_meanwhile_shows_nothing_wrong(
    retrain: Any, scripted: ScriptedServer
) -> None:
    rows = [correction(1, "Bag", "Shirt")]
    at = after_a_run(retrain, rows, answers("fashion_mnist_model:x1", "Shirt"))
    assert strip(at) == ""
    answer_also(scripted, classify_many=answers("fashion_mnist_model:x2", "Bag"))
    assert "now Bag" in strip(at.run())


def test_of_a_candidate_the_test_corrections_are_shown(retrain: Any) -> None:
    gate = trainer_json.gate(promoted=False)
    run = finished(gate, corrections=USAGE)
    versions = [trainer_json.version("x2", "candidate", gate), LIVE]
    at = retrain(*versions, run=run, more={"report": trainer_json.report(gate)})
    assert "Your correction: 1 of 1 right with x2, 0 before" in page_text(at)
    assert "<b>Bag</b>" in strip(at)
    assert "was Shirt" in strip(at)
    assert strip(at).count("<li>") == 1  # the others are no corrections


def test_what_was_left_out_comes_first_and_is_used_anyway(
    retrain: Any, scripted: ScriptedServer
) -> None:
    run = finished(trainer_json.gate(promoted=True), corrections=USAGE | {"quarantined": 1})
    at = retrain(trainer_json.version("x2", "champion"), FORMER, run=run)
    boot = correction(7, "Ankle boot", "Sneaker", state="quarantined", reason="It looks wrong.")
    answer_also(
        scripted, corrections={**trainer_json.corrections(quarantined=1), "corrections": [boot]}
    )
    at.run()
    text = page_text(at)
    assert "1 correction was left out, because its label looks wrong." in text
    assert "<b>Ankle boot</b> It looks wrong." in text
    answer_also(scripted, **{"7": boot | {"state": "accepted"}})
    answer_also(scripted, corrections=trainer_json.corrections(accepted=1))
    at.button(key="use_7").click().run()
    assert not at.exception
    changes = [(path, json.loads(body)) for verb, path, body in scripted.seen if verb == "PATCH"]
    assert changes == [("/corrections/7", {"state": "accepted"})]
    assert "label looks wrong" not in page_text(at)
    assert [toast.value for toast in at.toast] == [
        "Accepted as Ankle boot. The next run learns from it."
    ]


def test_many_that_were_left_out_are_counted_with_a_link(
    retrain: Any, scripted: ScriptedServer
) -> None:
    run = finished(trainer_json.gate(promoted=True), corrections=USAGE | {"quarantined": 9})
    at = retrain(trainer_json.version("x2", "champion"), FORMER, run=run)
    some = [correction(7, "Bag", "Coat", state="quarantined", reason="It looks wrong.")]
    answer_also(
        scripted, corrections={**trainer_json.corrections(quarantined=9), "corrections": some}
    )
    at.run()
    assert "9 corrections were left out" in page_text(at)
    assert links(at)["Review all 9"].endswith("?state=quarantined")


@pytest.mark.parametrize("quarantined", [0, 3])
def test_nothing_is_said_once_all_is_decided(retrain: Any, quarantined: int) -> None:
    usage = USAGE | {"quarantined": quarantined}
    at = retrain(run=finished(trainer_json.gate(promoted=True), corrections=usage))
    assert "looks wrong" not in page_text(at)
    assert "look wrong" not in page_text(at)
