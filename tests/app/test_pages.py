"""The pages in each state of the world, run by Streamlit's own test runner on live services."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import trainer
from tests.app.scripted_server import Request, ScriptedServer, json_answer
from tests.processes import ROOT, MakeHome, Server

TAG = "fashion_mnist_model:abc"
RECIPE = {"name": "quick", "summary": "Fast.", "network": "mlp", "epochs": 5, "default": True}


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
@pytest.mark.parametrize("path", ["", "retrain", "models"])
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
    assert list(at.radio(key="recipe").options) == [recipe.name for recipe in trainer.recipes()]
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
@pytest.mark.parametrize("path", ["", "retrain", "models"])
def test_a_classifier_that_is_down_is_told_on_every_page(path: str) -> None:
    assert "The classifier does not answer at http" in words(opened(path))


@pytest.mark.usefixtures("all_down")
@pytest.mark.parametrize("path", ["retrain", "models"])
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
        **more,
    }


def stand_in_for_both(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, run: dict[str, Any], model: Any
) -> None:
    """States that a real trainer is in for a moment only, held still."""
    answers = {
        "/model": model,
        "/recipes": {"recipes": [RECIPE]},
        "/runs": {"runs": [run]},
        "/runs/r1": run,
        "/runs/r1/events": {"events": [], "next": 0},
    }

    def answer(request: Request) -> tuple[int, str, bytes]:
        return json_answer(answers[request[1].partition("?")[0]])

    server.answer = answer
    monkeypatch.setenv("CLASSIFIER_URL", server.url)
    monkeypatch.setenv("TRAINER_URL", server.url)


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
