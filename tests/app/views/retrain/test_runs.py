"""Training runs on the pages: progress, ends, and continuing from a checkpoint."""

import json
from typing import Any

import pytest

from tests.support.app.pages import (
    NO_MODEL,
    READY,
    epoch_json,
    open_page,
    page_text,
    run_json,
    script_services,
)
from tests.support.scripted_server import ScriptedServer, json_answer


def test_a_first_run_shows_how_far_it_is(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_services(scripted, monkeypatch, run_json("running"), NO_MODEL)
    at = open_page()
    assert "Training your first model" in page_text(at)
    assert (
        at.get("progress")[0].proto.text == "Training · epoch 1 of 5 · 42 % · about 1 min 15 s left"
    )


def test_a_first_run_that_failed_says_why_and_can_be_repeated(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_json("failed", ended_at="2026-01-02T03:05:06+00:00", error="The disk is full.")
    script_services(scripted, monkeypatch, run, NO_MODEL)
    at = open_page()
    assert "The run failed. The disk is full." in page_text(at)
    assert at.button(key="train_first").label == "Train the first model"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_active_run_can_be_cancelled_and_no_other_started(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    script_services(scripted, monkeypatch, run_json(state), READY)
    at = open_page("retrain")
    assert [button.label for button in at.button] == ["Cancel"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("failed", "The run failed. Out of memory."),
        ("cancelled", "The run was cancelled."),
        ("interrupted", "The run was interrupted"),
    ],
)
def test_each_unsuccessful_end_of_a_run_has_a_message(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, state: str, message: str
) -> None:
    run = run_json(state, ended_at="2026-01-02T03:05:06+00:00", error="Out of memory.")
    script_services(scripted, monkeypatch, run, READY)
    assert message in page_text(open_page("retrain"))


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_a_run_with_a_checkpoint_can_be_continued(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    epochs = [epoch_json(1), epoch_json(2)]
    run = run_json(state, ended_at="2026-01-02T03:05:06+00:00", epochs=epochs, resumable=True)
    script_services(scripted, monkeypatch, run, READY)
    at = open_page("retrain")
    assert at.button(key="resume").label == "Continue from epoch 3"
    at.button(key="resume").click().run()
    assert not at.exception
    posted = [(path, json.loads(body)) for method, path, body in scripted.seen if method == "POST"]
    assert posted == [("/runs", {"resume": "r1"})]


@pytest.mark.parametrize(
    "more",
    [
        {"epochs": [epoch_json(number) for number in range(1, 6)]},
        {"config": {"recipe": "quick", "epochs": 5, "seed": 0, "resume": "r0"}},
    ],
)
def test_the_next_epoch_is_named_only_if_it_is_known_and_exists(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    run = run_json("failed", ended_at="2026-01-02T03:05:06+00:00", resumable=True, **more)
    script_services(scripted, monkeypatch, run, READY)
    assert open_page("retrain").button(key="resume").label == "Continue"


def test_a_run_without_a_checkpoint_cannot_be_continued(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_json("failed", ended_at="2026-01-02T03:05:06+00:00", epochs=[epoch_json(1)])
    script_services(scripted, monkeypatch, run, READY)
    assert [button.label for button in open_page("retrain").button] == ["Train a new version"]


def test_a_failed_attempt_to_continue_shows_the_reason(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00", resumable=True)
    script_services(scripted, monkeypatch, run, READY)
    at = open_page("retrain")
    others = scripted.answer
    scripted.answer = lambda request: (
        json_answer({"error": "Its checkpoint is gone."}, 409)
        if request[0] == "POST"
        else others(request)
    )
    at.button(key="resume").click().run()
    assert not at.exception
    assert "Its checkpoint is gone." in page_text(at)


def test_a_run_that_continues_another_says_so(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"recipe": "quick", "epochs": 5, "seed": 0, "resume": "r0"}
    run = run_json("running", config=config, epochs=[epoch_json(3)])
    script_services(scripted, monkeypatch, run, READY)
    at = open_page("retrain")
    assert "Continues an earlier run" in at.caption[0].value
    assert at.get("progress")[0].proto.text.startswith("Training · epoch 4 of 5")


def test_the_default_recipe_is_chosen_and_each_brings_its_epochs(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    script_services(scripted, monkeypatch, run, READY)
    at = open_page("retrain")
    assert at.radio(key="recipe").value == "standard"
    assert at.number_input(key="epochs_standard").value == 12
    at.radio(key="recipe").set_value("best").run()
    assert at.number_input(key="epochs_best").value == 30
