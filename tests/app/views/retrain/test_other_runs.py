"""The Retrain page beside runs that others started, and how long a run will take."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.app import trainer_json
from tests.support.app.pages import (
    FINETUNE,
    READY,
    RECIPES,
    open_page,
    page_text,
    posted,
    run_json,
    script_services,
)
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer

BY_ANA = run_json("running", actor="ana")
BACKGROUND = run_json("running", actor="first start", background=True)


def when_read(
    answers: dict[str, Any], others: Callable[[Request], Answer]
) -> Callable[[Request], Answer]:
    """Return what gives these answers to GET requests, by their path, and others to the rest."""

    def answer(request: Request) -> Answer:
        path = request[1].partition("?")[0]
        if request[0] == "GET" and path in answers:
            return json_answer(answers[path])
        return others(request)

    return answer


def start_elsewhere(server: ScriptedServer, run: dict[str, Any]) -> None:
    """Let another window have started this run, which is the only one from now on."""
    others = server.answer
    busy = json_answer({"error": "Run r1 is active.", "run_id": "r1"}, 409)
    read = when_read({"/runs": {"runs": [run]}, "/runs/r1": run}, others)
    server.answer = lambda request: busy if request[:2] == ("POST", "/runs") else read(request)


def test_a_click_while_another_run_is_active_says_whose_it_is(
    retrain: Any, scripted: ScriptedServer
) -> None:
    at = retrain(new=3)
    start_elsewhere(scripted, BY_ANA)
    at.button(key="train").click().run()
    assert not at.exception
    assert len(posted(scripted)) == 1
    [warning] = at.warning
    assert "Another run is in progress. ana started it" in warning.value.replace("\\", "")
    assert "Yours has not started" in warning.value
    assert at.get("progress")[0].proto.text.startswith("Training")


def test_the_run_of_another_window_is_not_called_ones_own(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_services(scripted, monkeypatch, run_json("running"), READY)
    at = open_page("retrain")
    assert "Another run is in progress. It started 2 Jan 2026." in page_text(at)


def test_ones_own_run_is_not_called_another(retrain: Any, scripted: ScriptedServer) -> None:
    at = retrain(new=3)
    run = run_json("running", run_id="r2")
    scripted.answer = when_read({"/runs": {"runs": [run]}, "/runs/r2": run}, scripted.answer)
    at.button(key="train").click().run()
    assert at.get("progress")[0].proto.text.startswith("Training")
    assert "Another run" not in page_text(at)


def test_a_background_run_leaves_the_form_and_the_latest_result(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = "2026-01-02T03:05:06+00:00"
    made_way = run_json("interrupted", run_id="r0", background=True, ended_at=ended, error="x")
    own = run_json("failed", run_id="r3", ended_at=ended, error="The disk is full.")
    script_services(
        scripted,
        monkeypatch,
        BACKGROUND,
        READY,
        [trainer_json.version("x1", "champion")],
        runs={"runs": [BACKGROUND, own, made_way]},
    )
    at = open_page("retrain")
    assert "**A more accurate first model** is training in the background." in page_text(at)
    assert "The run failed. The disk is full." in page_text(at)
    assert not at.button(key="train").disabled
    at.button(key="train").click().run()
    assert [path for path, _ in posted(scripted)] == ["/runs"]


@pytest.mark.parametrize(
    ("epochs", "label"),
    [(4, "Train a new version (about 12 s)"), (8, "Train a new version (about 24 s)")],
)
def test_the_button_says_how_long_a_run_takes_here(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, epochs: int, label: str
) -> None:
    script_services(
        scripted,
        monkeypatch,
        run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00"),
        READY,
        [trainer_json.version("x1", "champion")],
        recipes={"recipes": [*RECIPES, {**FINETUNE, "estimated_seconds": 12.2}]},
        corrections=trainer_json.corrections(new=3),
    )
    at = open_page("retrain")
    at.number_input(key="epochs_finetune").set_value(epochs).run()
    assert at.button(key="train").label == label


def test_many_runs_are_listed_up_to_fifty_until_all_are_asked_for(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = "2026-01-02T03:05:06+00:00"
    runs = [run_json("cancelled", run_id=f"r{number}", ended_at=ended) for number in range(60)]
    script_services(scripted, monkeypatch, runs[0], READY, runs={"runs": runs})
    at = open_page("retrain")
    assert len(at.dataframe[0].value) == 50
    at.checkbox(key="show_all_runs").check().run()
    assert len(at.dataframe[0].value) == 60
    assert at.dataframe[0].value["Started"][0] == "2 Jan 2026, 03:04"
