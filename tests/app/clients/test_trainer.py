"""The trainer's client: against a live service, and with odd responses."""

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from app.clients import trainer
from app.clients.gate import Change
from app.clients.http import InvalidResponse, RequestRejected
from tests.support.app import trainer_json
from tests.support.scripted_server import ScriptedServer, json_answer


@pytest.fixture
def live(trainer_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINER_URL", trainer_url)


@pytest.fixture
def stand_in(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setenv("TRAINER_URL", scripted.url)
    return scripted


@pytest.mark.usefixtures("live")
def test_one_recipe_is_the_default() -> None:
    recipes = trainer.recipes()
    assert [recipe.default for recipe in recipes].count(True) == 1
    assert all(recipe.epochs > 0 and recipe.summary for recipe in recipes)


@pytest.mark.usefixtures("live")
def test_the_finished_run_and_its_steps_can_be_read() -> None:
    run = trainer.runs()[-1]
    assert (run.state, run.is_active, run.progress) == ("succeeded", False, 1.0)
    assert run.result is not None
    assert run.seconds is not None
    assert run.seconds > 0
    steps, after = trainer.steps(run.run_id, 0)
    assert steps
    assert trainer.steps(run.run_id, after) == ([], after)


@pytest.mark.usefixtures("live")
def test_the_model_of_that_run_is_in_the_list() -> None:
    models = {model.tag: model for model in trainer.models()}
    result = trainer.runs()[-1].result
    assert result is not None
    assert models[result.model].accuracy == result.accuracy
    assert models[result.model].size_bytes > 900_000


@pytest.mark.usefixtures("live")
def test_what_does_not_exist_is_rejected() -> None:
    with pytest.raises(RequestRejected) as rejected:
        trainer.run("no-such-run")
    assert rejected.value.status == 404
    with pytest.raises(RequestRejected):
        trainer.promote("no-such-version")


def test_only_what_was_chosen_is_sent(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"run_id": "r1"}, 201)
    assert trainer.start() == ("r1", True)
    assert trainer.start("quick", 3, 7) == ("r1", True)
    bodies = [body for _, _, body in stand_in.seen]
    assert bodies == [b"{}", b'{"recipe": "quick", "epochs": 3, "seed": 7}']


def test_starting_during_a_run_finds_that_run(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"error": "Busy.", "run_id": "r0"}, 409)
    assert trainer.start() == ("r0", False)


def test_resuming_names_the_run_to_continue(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"run_id": "r2"}, 201)
    assert trainer.resume("r1") == ("r2", True)
    assert stand_in.seen == [("POST", "/runs", b'{"resume": "r1"}')]


def test_resuming_during_a_run_finds_that_run(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"error": "Busy.", "run_id": "r0"}, 409)
    assert trainer.resume("r1") == ("r0", False)


def test_resuming_without_a_checkpoint_is_rejected(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"error": "Run r1 left no checkpoint."}, 409)
    with pytest.raises(RequestRejected, match="left no checkpoint"):
        trainer.resume("r1")


def test_cancelling_what_has_ended_is_no_error(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"error": "It has ended."}, 409)
    trainer.cancel("r0")


def test_a_promotion_without_a_classifier_tells_so(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"detail": "No classifier runs."}, 202)
    assert trainer.promote("abc").detail == "No classifier runs."


@pytest.mark.parametrize(
    ("reason", "body"), [(None, b""), ("It knows our bags.", b'{"reason": "It knows our bags."}')]
)
def test_a_reason_goes_with_the_promotion_if_there_is_one(
    stand_in: ScriptedServer, reason: str | None, body: bytes
) -> None:
    trainer.promote("abc", reason)
    assert stand_in.seen == [("POST", "/models/abc/promote", body)]


def test_a_choice_about_corrections_is_sent(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"run_id": "r1"}, 201)
    trainer.start("standard", corrections=False)
    trainer.start("standard", corrections=True)
    assert [body for _, _, body in stand_in.seen] == [
        b'{"recipe": "standard", "corrections": false}',
        b'{"recipe": "standard", "corrections": true}',
    ]


def test_a_report_is_read_with_its_pictures(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer(trainer_json.report(trainer_json.gate(promoted=False)))
    report = trainer.report("abc")
    assert report.per_class["Shirt"] == Change(before=0.842, after=0.801)
    assert (report.corrections, report.corrections_count) == (Change(before=0.4, after=1.0), 5)
    bag, coat = report.better
    assert (bag.label, bag.before, bag.after) == ("Bag", "Shirt", "Bag")
    assert (bag.corrected, coat.corrected) == (True, False)
    assert bag.png.startswith(b"\x89PNG")
    assert stand_in.seen[0][1] == "/models/abc/report"


def test_a_first_version_was_compared_with_nothing(stand_in: ScriptedServer) -> None:
    first = {
        **trainer_json.gate(promoted=True, champion=None),
        "accuracy": {"before": None, "after": 0.9},
        "corrections": {"count": 0, "before": None, "after": None},
    }
    stand_in.answer = lambda _: json_answer(
        {"models": [trainer_json.version("a", "champion", first)]}
    )
    [model] = trainer.models()
    assert model.gate is not None
    assert (model.gate.champion, model.gate.accuracy) == (None, Change(before=None, after=0.9))
    assert model.gate.corrections == Change(before=None, after=None)


def test_a_version_that_has_no_report_is_rejected(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"error": "It has no report."}, 404)
    with pytest.raises(RequestRejected, match="no report"):
        trainer.report("abc")


@pytest.mark.parametrize(
    "wrong", [{"reasons": None}, {"per_class": []}, {"corrections": None}, {"better": [{}]}]
)
def test_a_report_of_another_shape_is_an_error_with_a_message(
    stand_in: ScriptedServer, wrong: dict[str, Any]
) -> None:
    report = trainer_json.report(trainer_json.gate(promoted=True))
    stand_in.answer = lambda _: json_answer({**report, **wrong})
    with pytest.raises(InvalidResponse):
        trainer.report("abc")


RUN: dict[str, Any] = {
    "run_id": "r1",
    "state": "running",
    "config": {"recipe": "quick", "epochs": 3, "seed": 7, "resume": "r0"},
    "created_at": "2026-01-03T03:04:05+00:00",
    "started_at": None,
    "ended_at": None,
    "progress": 1.2,
    "phase": "training",
    "eta_seconds": None,
    "epochs": [],
    "result": None,
    "error": None,
    "resumable": False,
}


def test_a_run_that_an_older_trainer_describes_can_be_read(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"runs": [RUN]})
    [run] = trainer.runs()
    assert (run.recipe, run.epochs_planned, run.seed, run.resumes) == ("quick", 3, 7, "r0")
    assert (run.is_active, run.progress, run.seconds, run.epochs_done) == (True, 1.0, None, 0)
    assert (run.corrections, run.gate) == (None, None)
    assert pickle.loads(pickle.dumps(run)) == run  # noqa: S301


def test_events_of_other_kinds_than_steps_are_skipped(stand_in: ScriptedServer) -> None:
    step = {"type": "step", "epoch": 1, "step": 2, "loss": 0.5, "accuracy": 0.8, "progress": 0.1}
    events = [{"n": 1, "type": "phase"}, {"n": 2, **step}, {"n": 3, "type": "news", "step": None}]
    stand_in.answer = lambda _: json_answer({"events": events, "next": 3})
    [found], after = trainer.steps("r1", 0)
    assert (found.step, found.loss, after) == (2, 0.5, 3)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"runs": [{}], "models": [{}], "recipes": [{}], "events": [{}], "next": 0},
        {"runs": [{"config": None}], "models": None, "recipes": {}, "events": [{"type": "step"}]},
        {"runs": [{**RUN, "created_at": 7.5e300}], "run_id": 3, "workers": "all", "state": 1},
    ],
)
def test_an_answer_of_another_shape_is_an_error_with_a_message(
    stand_in: ScriptedServer, raw: Any
) -> None:
    stand_in.answer = lambda _: json_answer(raw)
    calls: list[Callable[[], object]] = [
        trainer.runs,
        trainer.models,
        trainer.recipes,
        trainer.start,
        lambda: trainer.run("r1"),
        lambda: trainer.steps("r1", 0),
        lambda: trainer.report("abc"),
    ]
    for call in calls:
        with pytest.raises(InvalidResponse, match=r"does not understand.*another program"):
            call()


@pytest.mark.parametrize("raw", [None, [], {"workers": "all"}, {"seconds": None}])
def test_a_promotion_answered_in_another_shape_is_an_error_with_a_message(
    stand_in: ScriptedServer, raw: Any
) -> None:
    stand_in.answer = lambda _: json_answer(raw)
    with pytest.raises(InvalidResponse, match=r"does not understand.*another program"):
        trainer.promote("abc")
