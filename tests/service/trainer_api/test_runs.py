"""Runs over HTTP: started, followed, cancelled, killed, taken over; each told truthfully."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import torch

from tests.support.processes import Home, MakeHome, Server, wait_for
from tests.support.shapes import without_none
from training.store import versions

LONG = {"recipe": "quick", "epochs": 500}
SHORT = {"recipe": "quick", "epochs": 1}


@pytest.fixture
def own_home(make_home: MakeHome) -> Home:
    return make_home()


@pytest.fixture
def serve(own_home: Home) -> Iterator[Callable[[], Server]]:
    """Starts a trainer on a folder of the test's own; as often as it likes."""
    started: list[Server] = []

    def start() -> Server:
        started.append(own_home.serve("trainer"))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def start_run(trainer: Server, config: dict[str, Any]) -> str:
    answer = trainer.post("/runs", json=config)
    assert answer.status_code == 201, answer.text
    run_id: str = answer.json()["run_id"]
    return run_id


def wait_until_training(trainer: Server, run_id: str) -> dict[str, Any]:
    def is_training() -> bool:
        run = trainer.get(f"/runs/{run_id}")
        assert run["state"] in ("queued", "running"), run
        return run["phase"] == "training" and run["loss"] is not None

    wait_for(is_training, 90, "training")
    run: dict[str, Any] = trainer.get(f"/runs/{run_id}")
    return run


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_run_from_its_start_to_its_model(trainer: Server) -> None:
    run_id = start_run(trainer, {"recipe": "quick", "epochs": 2, "seed": 11})
    busy = trainer.post("/runs")
    assert busy.status_code == 409
    assert busy.json()["run_id"] == run_id
    assert trainer.get("/runs")["runs"][0]["run_id"] == run_id

    run = wait_until_training(trainer, run_id)
    assert run["state"] == "running"
    assert run["phase"] == "training"
    assert 0 < run["progress"] < 1
    first = trainer.get(f"/runs/{run_id}/events")
    later = trainer.get(f"/runs/{run_id}/events?after={first['next']}")
    numbers = [event["n"] for event in first["events"] + later["events"]]
    assert numbers == list(range(1, len(numbers) + 1))

    wait_for(lambda: trainer.get(f"/runs/{run_id}")["state"] == "succeeded", 240, "success")
    run = trainer.get(f"/runs/{run_id}")
    assert run["config"] == {
        "recipe": "quick",
        "epochs": 2,
        "seed": 11,
        "corrections": False,
        "champion": None,
    }
    assert run["progress"] == 1
    assert [epoch["epoch"] for epoch in run["epochs"]] == [1, 2]
    assert run["epochs"][1]["validation_loss"] < run["epochs"][0]["validation_loss"]
    gate, result, models = run["gate"], run["result"], trainer.get("/models")
    assert models["models"][0]["tag"] == result["model"]
    assert models["models"][0]["metadata"]["accuracy"] == result["accuracy"]
    assert models["models"][0]["metadata"]["gate"] == without_none(gate)
    assert gate["champion"] == result["previous_model"]
    assert models["champion"] == result["model" if gate["promoted"] else "previous_model"]
    assert models["models"][0]["champion"] is gate["promoted"]
    assert models["models"][0]["status"] == ("champion" if gate["promoted"] else "candidate")
    text = requests.get(f"{trainer.url}/metrics", timeout=10).text
    assert "wardrobe_training_progress 1.0" in text
    assert 'wardrobe_training_runs_total{state="succeeded"}' in text


def test_a_cancelled_run_is_gone_and_the_next_can_start(serve: Callable[[], Server]) -> None:
    trainer = serve()
    run_id = start_run(trainer, LONG)
    pid = wait_until_training(trainer, run_id)["pid"]
    answer = trainer.post(f"/runs/{run_id}/cancel")
    assert answer.status_code == 202
    assert answer.json()["state"] == "cancelled"
    wait_for(lambda: is_gone(pid), 5, "the process gone")
    assert trainer.get(f"/runs/{run_id}")["state"] == "cancelled"
    again = trainer.post(f"/runs/{run_id}/cancel")
    assert again.status_code == 409
    assert "ended already: cancelled" in again.json()["error"]
    other = start_run(trainer, LONG)
    assert trainer.post(f"/runs/{other}/cancel").status_code == 202


def test_a_killed_run_failed_and_the_reason_is_told(serve: Callable[[], Server]) -> None:
    trainer = serve()
    run_id = start_run(trainer, LONG)
    os.kill(wait_until_training(trainer, run_id)["pid"], signal.SIGKILL)
    wait_for(lambda: trainer.get(f"/runs/{run_id}")["state"] == "failed", 5)
    run = trainer.get(f"/runs/{run_id}")
    assert "out of memory" in run["error"]
    assert run["ended_at"] is not None
    text = requests.get(f"{trainer.url}/metrics", timeout=10).text
    assert 'wardrobe_training_runs_total{state="failed"} 1' in text
    assert trainer.get("/models") == {
        "champion": None,
        "error": None,
        "total": 0,
        "models": [],
    }


def test_a_run_outlives_a_killed_trainer_and_the_next_one_takes_it_over(
    serve: Callable[[], Server],
) -> None:
    trainer = serve()
    run_id = start_run(trainer, SHORT)
    wait_until_training(trainer, run_id)
    trainer.kill()
    successor = serve()
    assert successor.get(f"/runs/{run_id}")["state"] in ("running", "succeeded")
    wait_for(lambda: successor.get(f"/runs/{run_id}")["state"] == "succeeded", 240)
    assert successor.get("/models")["champion"] is not None


def test_a_run_that_died_with_its_trainer_is_interrupted(serve: Callable[[], Server]) -> None:
    trainer = serve()
    run_id = start_run(trainer, LONG)
    pid = wait_until_training(trainer, run_id)["pid"]
    trainer.kill()
    os.kill(pid, signal.SIGKILL)
    successor = serve()
    assert successor.get(f"/runs/{run_id}")["state"] == "interrupted"
    assert successor.post("/runs", json=SHORT).status_code == 201


def test_a_trainer_that_is_stopped_takes_its_run_along(
    serve: Callable[[], Server], own_home: Home
) -> None:
    trainer = serve()
    run_id = start_run(trainer, LONG)
    pid = wait_until_training(trainer, run_id)["pid"]
    trainer.stop()
    wait_for(lambda: is_gone(pid), 5, "the process gone")
    assert '"state": "interrupted"' in (own_home.path / "runs" / run_id / "run.json").read_text()


def test_a_cancelled_run_goes_on_and_ends_like_one_that_was_left_alone(
    serve: Callable[[], Server], own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = serve()
    config = {"recipe": "quick", "epochs": 12, "seed": 3}
    cancelled = start_run(trainer, config)
    wait_for(lambda: len(trainer.get(f"/runs/{cancelled}")["epochs"]) >= 2, 240, "two epochs")
    trainer.post(f"/runs/{cancelled}/cancel")
    run = trainer.get(f"/runs/{cancelled}")
    assert (run["state"], run["resumable"]) == ("cancelled", True)
    assert run["config"] == {**config, "corrections": False, "champion": None}

    resumed = start_run(trainer, {"resume": cancelled})
    wait_for(lambda: trainer.get(f"/runs/{resumed}")["state"] == "succeeded", 240, "success")
    begun_with, run = run["config"], trainer.get(f"/runs/{resumed}")
    assert run["config"] == {**begun_with, "resume": cancelled}
    assert [epoch["epoch"] for epoch in run["epochs"]] == list(range(1, 13))
    steps = [e for e in trainer.get(f"/runs/{resumed}/events")["events"] if e["type"] == "step"]
    assert steps[0]["epoch"] > 2
    assert run["resumable"] is False
    again = trainer.post("/runs", json={"resume": resumed})
    assert again.status_code == 409
    assert "nothing left to do" in again.json()["error"]

    undisturbed = start_run(trainer, config)
    wait_for(lambda: trainer.get(f"/runs/{undisturbed}")["state"] == "succeeded", 240, "success")
    assert trainer.get(f"/runs/{undisturbed}")["epochs"] == run["epochs"]
    monkeypatch.setenv("WARDROBE_HOME", str(own_home.path))
    one, other = (
        versions.load(trainer.get(f"/runs/{it}")["result"]["model"]).network.state_dict()
        for it in (resumed, undisturbed)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_without_a_finished_epoch_cannot_go_on(serve: Callable[[], Server]) -> None:
    trainer = serve()
    run_id = start_run(trainer, {"recipe": "best"})
    wait_until_training(trainer, run_id)
    trainer.post(f"/runs/{run_id}/cancel")
    assert trainer.get(f"/runs/{run_id}")["resumable"] is False
    answer = trainer.post("/runs", json={"resume": run_id})
    assert answer.status_code == 409
    assert "before its first epoch ended" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b'{"recipe": "magic"}', "standard, quick, best, reference, finetune"),
        (b'{"recipe": 1}', "'recipe' should be a text"),
        (b'{"epochs": 0}', "'epochs' should be at least 1"),
        (b'{"epochs": 1001}', "'epochs' should be at most 1,000"),
        (b'{"epochs": "3"}', "whole number"),
        (b'{"epochs": true}', "whole number"),
        (b'{"epochs": 3.5}', "whole number"),
        (b'{"seed": -1}', "'seed' should be at least 0"),
        (b'{"speed": 1}', "'speed'"),
        (b'{"resume": 3}', "'resume' should be a text"),
        (b'{"resume": "a", "seed": 1}', "stands alone"),
        (b'{"recipe": ""}', "standard, quick, best, reference, finetune"),
        (b'{"recipe": []}', "'recipe' should be a text"),
        (b'{"corrections": 1}', "true or false"),
        (b'{"corrections": "all"}', "true or false"),
        (b'{"recipe": "finetune", "corrections": false}', "always trains on corrections"),
        (b'{"resume": "a", "corrections": true}', "stands alone"),
        (b"[" * 50_000, "nested too deeply"),
    ],
)
def test_a_run_that_cannot_be(trainer: Server, body: bytes, words: str) -> None:
    answer = trainer.post("/runs", data=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_a_body_without_end_is_refused(trainer: Server) -> None:
    answer = trainer.post("/runs", data=b" " * 1_000_000)
    assert answer.status_code == 413
    assert "larger than 0.1 MB" in answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/runs/none",
        "/runs/none/events",
        "/runs/..%2F..%2Fchampion",
        "/runs/%00",
        "/runs/" + "a" * 300,
    ],
)
def test_unknown_runs(trainer: Server, path: str) -> None:
    assert requests.get(trainer.url + path, timeout=10).status_code == 404


@pytest.mark.parametrize("after", ["soon", "-1", "9" * 5_000])
def test_events_after_what(trainer: Server, after: str) -> None:
    run_id = trainer.get("/runs")["runs"][-1]["run_id"]
    answer = requests.get(f"{trainer.url}/runs/{run_id}/events?after={after}", timeout=10)
    assert answer.status_code == 400
    assert "'after'" in answer.json()["error"]


def test_recipes_name_exactly_one_default(trainer: Server) -> None:
    recipes = trainer.get("/recipes")["recipes"]
    assert [it["default"] for it in recipes].count(True) == 1
    assert all(it["summary"] and it["epochs"] >= 1 for it in recipes)


def test_one_recipe_goes_on_from_the_champion(trainer: Server) -> None:
    recipes = trainer.get("/recipes")["recipes"]
    assert [it["name"] for it in recipes if it["from_champion"]] == ["finetune"]


def test_finetune_needs_a_model_to_go_on_from(serve: Callable[[], Server]) -> None:
    trainer = serve()
    answer = trainer.post("/runs", json={"recipe": "finetune"})
    assert answer.status_code == 409
    assert "train a first one" in answer.json()["error"]
    assert trainer.get("/runs") == {"runs": []}
