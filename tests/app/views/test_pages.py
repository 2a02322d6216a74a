"""The pages in each state of the world, run by Streamlit's own test runner on live services."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.clients import trainer
from tests.support.processes import ROOT, MakeHome, Server
from tests.support.scripted_server import Request, ScriptedServer, json_answer

TAG = "fashion_mnist_model:abc"
RECIPES = [
    {"name": name, "summary": "…", "network": "mlp", "epochs": epochs, "default": epochs == 12}
    for name, epochs in (("reference", 10), ("quick", 5), ("standard", 12), ("best", 30))
]


def opened(path: str = "") -> AppTest:
    """The page of one view, as a visitor gets it."""
    at = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=30)
    if path:
        at.run()
        at.switch_page(f"views/{path}.py")
    at.run()
    assert not at.exception
    return at


def words(at: AppTest) -> str:
    """Everything the page says, in one text."""
    said = [*at.title, *at.markdown, *at.error, *at.warning, *at.info, *at.success]
    html = [element.proto.body for element in at.get("html")]
    return "\n".join([*(element.value for element in said), *html]).replace("\\", "")


@pytest.fixture
def live(classifier_url: str, trainer_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", classifier_url)
    monkeypatch.setenv("TRAINER_URL", trainer_url)


@pytest.fixture
def all_down(nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", nobody)
    monkeypatch.setenv("TRAINER_URL", nobody)


@pytest.fixture(scope="module")
def without_model(make_home: MakeHome) -> Iterator[Server]:
    """A live classifier on an empty store."""
    server = make_home().serve("classifier", CLASSIFIER_WORKERS="1")
    yield server
    server.stop()


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("path", ["", "corrections", "retrain", "models"])
def test_every_page_names_the_version_that_is_served(path: str) -> None:
    champion = next(model for model in trainer.models() if model.champion)
    assert f"Version {champion.version}" in words(opened(path))


@pytest.mark.usefixtures("live")
def test_one_upload_gets_a_large_answer(trousers: bytes) -> None:
    at = opened()
    at.file_uploader(key="files").set_value([("jeans.png", trousers, "image/png")]).run()
    assert not at.exception
    assert '<div class="label">Trouser</div>' in words(at)
    assert "What the model sees" in words(at)


@pytest.mark.usefixtures("live")
def test_several_uploads_get_a_table(trousers: bytes) -> None:
    at = opened()
    files = [("jeans.png", trousers, "image/png"), ("notes.png", b"not a picture", "image/png")]
    at.file_uploader(key="files").set_value(files).run()
    assert not at.exception
    table = at.dataframe[0].value
    assert list(table["file"]) == ["jeans.png", "notes.png"]
    assert table["label"][0] == "Trouser"
    assert table["problem"][1].endswith(".")
    assert "1 could not be read" in words(at)


@pytest.mark.usefixtures("live")
def test_a_file_that_is_no_picture_is_told_so() -> None:
    at = opened()
    at.file_uploader(key="files").set_value([("cv.pdf", b"%PDF-1.7", "application/pdf")]).run()
    assert not at.exception
    assert "No answer" in words(at)


@pytest.mark.usefixtures("live")
def test_retraining_has_one_primary_button_and_every_recipe() -> None:
    at = opened("retrain")
    assert set(at.radio(key="recipe").options) == {recipe.name for recipe in trainer.recipes()}
    assert [b.label for b in at.button if b.proto.type == "primary"] == ["Train a new version"]
    assert at.dataframe[0].value["State"].iloc[-1] == "succeeded"


@pytest.mark.usefixtures("live")
def test_models_tells_the_accuracy_of_the_one_served() -> None:
    at = opened("models")
    champion = next(model for model in trainer.models() if model.champion)
    assert champion.accuracy is not None
    assert f"{champion.accuracy * 100:.1f} %" in [metric.value for metric in at.metric]
    assert "<b>Served</b> by 2 workers" in words(at)


@pytest.mark.usefixtures("all_down")
@pytest.mark.parametrize("path", ["", "corrections", "retrain", "models"])
def test_a_classifier_that_is_down_is_told_on_every_page(path: str) -> None:
    assert "The classifier does not answer at http" in words(opened(path))


@pytest.mark.usefixtures("all_down")
@pytest.mark.parametrize("path", ["corrections", "retrain", "models"])
def test_a_trainer_that_is_down_is_told_where_it_is_needed(path: str) -> None:
    said = words(opened(path))
    assert "The trainer does not answer at http" in said
    assert "goes on answering" in said


def test_without_a_model_the_first_one_is_offered(
    without_model: Server, trainer_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", without_model.url)
    monkeypatch.setenv("TRAINER_URL", trainer_url)
    at = opened()
    assert "There is no model yet" in words(at)
    assert at.button(key="train_first").label == "Train the first model"


def test_without_a_model_or_a_trainer_both_are_told(
    without_model: Server, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", without_model.url)
    monkeypatch.setenv("TRAINER_URL", nobody)
    said = words(opened())
    assert "There is no model yet" in said
    assert "The trainer does not answer at http" in said


def run_in(state: str, **more: Any) -> dict[str, Any]:
    """A run as the trainer tells it."""
    return {
        "run_id": "r1",
        "state": state,
        "config": {"recipe": "quick", "epochs": 5, "seed": 0},
        "created_at": "2026-01-02T03:04:05+00:00",
        "started_at": "2026-01-02T03:04:06+00:00",
        "ended_at": None,
        "progress": 0.42,
        "phase": "training",
        "eta_seconds": 75.0,
        "epochs": [],
        "result": None,
        "error": None,
        "resumable": False,
        **more,
    }


def stand_in_for_both(
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    run: dict[str, Any],
    model: Any,
    versions: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> None:
    """States that a real trainer is in for a moment only, held still.

    `more` are other answers by the last part of the path.
    """
    answers = {
        "/corrections": NO_CORRECTIONS,
        "/model": model,
        "/models": {"models": list(versions)},
        "/recipes": {"recipes": RECIPES},
        "/runs": {"runs": [run]},
        "/runs/r1": run,
        "/runs/r1/events": {"events": [], "next": 0},
        "/shadow": NO_SHADOW,
        **{f"/{name}": told for name, told in more.items()},
    }

    def answer(request: Request) -> tuple[int, str, bytes]:
        path = request[1].partition("?")[0]
        if path.endswith("/promote"):
            return json_answer({"tag": path.split("/")[2], "workers": 2, "seconds": 0.2})
        if request[0] == "POST":
            return json_answer({"run_id": "r2"}, 201)
        if path.endswith("/report"):
            path = "/report"
        if path not in answers:
            return json_answer({"error": f"There is no {path}."}, 404)
        return json_answer(answers[path])

    server.answer = answer
    monkeypatch.setenv("CLASSIFIER_URL", server.url)
    monkeypatch.setenv("TRAINER_URL", server.url)


NO_CORRECTIONS: dict[str, Any] = {
    "corrections": [],
    "next": None,
    "counts": {"new": 0, "accepted": 0, "conflict": 0, "quarantined": 0, "review_requested": 0},
}
NO_SHADOW = {"version": None, "share": None, "since": None, "workers": 0, "reason": None}
NO_MODEL: dict[str, Any] = {"tag": None, "metadata": {}, "workers": [], "serving": {}}
READY = {"tag": TAG, "metadata": {"accuracy": 0.9}, "workers": [], "serving": {TAG: 2}}
LOADING = {**READY, "serving": {}}


def test_a_first_run_shows_how_far_it_is(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_for_both(scripted, monkeypatch, run_in("running"), NO_MODEL)
    at = opened()
    assert "Training the first model" in words(at)
    assert (
        at.get("progress")[0].proto.text == "Training · epoch 1 of 5 · 42% · about 1 min 15 s left"
    )


def test_a_first_run_that_failed_says_why_and_can_be_repeated(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in("failed", ended_at="2026-01-02T03:05:06+00:00", error="The disk is full.")
    stand_in_for_both(scripted, monkeypatch, run, NO_MODEL)
    at = opened()
    assert "The run failed. The disk is full." in words(at)
    assert at.button(key="train_first").label == "Train the first model"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_goes_on_can_be_cancelled_and_no_other_started(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    stand_in_for_both(scripted, monkeypatch, run_in(state), READY)
    at = opened("retrain")
    assert [button.label for button in at.button] == ["Cancel"]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("failed", "The run failed. Out of memory."),
        ("cancelled", "The run was cancelled."),
        ("interrupted", "The run was interrupted"),
    ],
)
def test_each_bad_end_of_a_run_has_its_words(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, state: str, told: str
) -> None:
    run = run_in(state, ended_at="2026-01-02T03:05:06+00:00", error="Out of memory.")
    stand_in_for_both(scripted, monkeypatch, run, READY)
    assert told in words(opened("retrain"))


def test_warming_up_is_told(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in_for_both(scripted, monkeypatch, run_in("succeeded"), LOADING)
    assert "Warming up" in words(opened())


def test_a_version_that_does_not_load_is_told_beside_the_one_that_answers(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = {"worker": "host-1", "tag": TAG, "error": "The weights are cut off."}
    model = {**READY, "tag": "fashion_mnist_model:new", "workers": [worker]}
    stand_in_for_both(scripted, monkeypatch, run_in("succeeded"), model)
    said = words(opened())
    assert "Version abc" in said
    assert "Version new does not load" in said
    assert "The weights are cut off." in said


def an_epoch(number: int) -> dict[str, float]:
    return {
        "epoch": number,
        "loss": 0.5,
        "accuracy": 0.8,
        "validation_loss": 0.4,
        "validation_accuracy": 0.85,
    }


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_a_run_that_left_a_checkpoint_can_be_gone_on_with(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    epochs = [an_epoch(1), an_epoch(2)]
    run = run_in(state, ended_at="2026-01-02T03:05:06+00:00", epochs=epochs, resumable=True)
    stand_in_for_both(scripted, monkeypatch, run, READY)
    at = opened("retrain")
    assert at.button(key="resume").label == "Go on from epoch 3"
    at.button(key="resume").click().run()
    assert not at.exception
    posted = [(path, json.loads(body)) for method, path, body in scripted.seen if method == "POST"]
    assert posted == [("/runs", {"resume": "r1"})]


@pytest.mark.parametrize(
    "more",
    [
        {"epochs": [an_epoch(number) for number in range(1, 6)]},
        {"config": {"recipe": "quick", "epochs": 5, "seed": 0, "resume": "r0"}},
    ],
)
def test_no_epoch_is_named_that_does_not_exist_or_is_not_known(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    run = run_in("failed", ended_at="2026-01-02T03:05:06+00:00", resumable=True, **more)
    stand_in_for_both(scripted, monkeypatch, run, READY)
    assert opened("retrain").button(key="resume").label == "Go on"


def test_a_run_that_left_no_checkpoint_cannot(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in("failed", ended_at="2026-01-02T03:05:06+00:00", epochs=[an_epoch(1)])
    stand_in_for_both(scripted, monkeypatch, run, READY)
    assert [button.label for button in opened("retrain").button] == ["Train a new version"]


def test_a_run_that_cannot_be_gone_on_with_after_all_says_why(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in("cancelled", ended_at="2026-01-02T03:05:06+00:00", resumable=True)
    stand_in_for_both(scripted, monkeypatch, run, READY)
    at = opened("retrain")
    told = scripted.answer
    scripted.answer = lambda request: (
        json_answer({"error": "Its checkpoint is gone."}, 409)
        if request[0] == "POST"
        else told(request)
    )
    at.button(key="resume").click().run()
    assert not at.exception
    assert "Its checkpoint is gone." in words(at)


def test_a_run_that_goes_on_from_another_says_so(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"recipe": "quick", "epochs": 5, "seed": 0, "resume": "r0"}
    run = run_in("running", config=config, epochs=[an_epoch(3)])
    stand_in_for_both(scripted, monkeypatch, run, READY)
    at = opened("retrain")
    assert "goes on from an earlier run" in at.caption[0].value
    assert at.get("progress")[0].proto.text.startswith("Training · epoch 4 of 5")


def test_the_default_recipe_is_chosen_and_each_brings_its_epochs(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    stand_in_for_both(scripted, monkeypatch, run, READY)
    at = opened("retrain")
    assert at.radio(key="recipe").value == "standard"
    assert at.number_input(key="epochs_standard").value == 12
    at.radio(key="recipe").set_value("best").run()
    assert at.number_input(key="epochs_best").value == 30
