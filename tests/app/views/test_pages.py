"""Pages in each state of the services, run by Streamlit's own test runner on live services."""

import re
from collections.abc import Iterator

import pytest

from app.clients import trainer
from app.clients.version_names import version_name
from tests.support.app.pages import (
    READY,
    TAG,
    open_page,
    page_text,
    run_json,
    script_services,
    uploaded_rows,
)
from tests.support.processes import ROOT, Home, MakeHome, Server
from tests.support.scripted_server import ScriptedServer

LOADING = {**READY, "serving": {}}


@pytest.fixture
def live(classifier_url: str, trainer_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", classifier_url)
    monkeypatch.setenv("TRAINER_URL", trainer_url)


@pytest.fixture
def all_down(nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", nobody)
    monkeypatch.setenv("TRAINER_URL", nobody)


@pytest.fixture(scope="module")
def empty_home(make_home: MakeHome) -> Home:
    """A state folder without a model."""
    return make_home()


@pytest.fixture(scope="module")
def without_model(empty_home: Home) -> Iterator[Server]:
    """A live classifier on an empty store."""
    server = empty_home.serve("classifier", CLASSIFIER_WORKERS="1")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def trainer_without_model(empty_home: Home) -> Iterator[Server]:
    """The trainer beside that classifier: both know the same tokens."""
    server = empty_home.serve("trainer")
    yield server
    server.stop()


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("path", ["", "corrections", "retrain", "models"])
def test_every_page_names_the_live_version(path: str) -> None:
    champion = next(model for model in trainer.models() if model.champion)
    assert f"<b>{version_name(champion.tag)}</b>" in page_text(open_page(path))


@pytest.mark.usefixtures("live")
def test_one_upload_gets_a_large_answer(trousers: bytes) -> None:
    at = open_page()
    at.file_uploader(key="files").set_value([("jeans.png", trousers, "image/png")]).run()
    assert not at.exception
    assert '<div class="label">Trouser</div>' in page_text(at)
    assert "What the model sees" in page_text(at)


@pytest.mark.usefixtures("live")
def test_several_uploads_get_a_table(trousers: bytes) -> None:
    at = open_page()
    files = [("jeans.png", trousers, "image/png"), ("notes.png", b"not a picture", "image/png")]
    at.file_uploader(key="files").set_value(files).run()
    assert not at.exception
    at.session_state["batch"][1].wait(30)  # the page waits for 1 s, then looks each second
    at.run()
    assert not at.exception
    notes, jeans = uploaded_rows(at)  # what needs a person's eye comes first
    assert (notes["name"], notes["teachable"]) == ("notes.png", False)
    assert notes["says"].endswith(".")
    assert (jeans["name"], jeans["label"], jeans["says"]) == ("jeans.png", "Trouser", "")
    assert jeans["seen"].startswith("data:image/png")
    assert "1 file could not be read" in page_text(at)


@pytest.mark.usefixtures("live")
def test_a_file_that_is_not_a_picture_gets_no_answer() -> None:
    at = open_page()
    at.file_uploader(key="files").set_value([("cv.pdf", b"%PDF-1.7", "application/pdf")]).run()
    assert not at.exception
    text = page_text(at)
    assert "Not a picture" in text
    assert "This is a PDF document, not a picture." in text
    assert '<div class="label">' not in text


@pytest.mark.usefixtures("live")
def test_retraining_has_one_primary_button_and_every_recipe() -> None:
    at = open_page("retrain")
    assert set(at.radio(key="recipe").options) == {recipe.name for recipe in trainer.recipes()}
    [label] = [b.label for b in at.button if b.proto.type == "primary"]
    assert label.startswith("Train a new version")  # and how long it took here, if it ever ran
    assert at.dataframe[0].value["State"].iloc[-1] == "succeeded"


@pytest.mark.usefixtures("live")
def test_models_shows_the_accuracy_of_the_live_version() -> None:
    at = open_page("models")
    champion = next(model for model in trainer.models() if model.champion)
    assert champion.accuracy is not None
    assert f"<b>{champion.accuracy * 100:.1f} %</b> of test pictures right" in page_text(at)
    assert "<b>Live</b> on 2 workers" in page_text(at)


@pytest.mark.usefixtures("all_down")
@pytest.mark.parametrize(("setting", "is_told"), [("", False), ("0", False), ("1", True)])
def test_visitors_are_told_if_unknown_pictures_are_stored(
    setting: str, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEP_UNKNOWN", setting)
    captions = [caption.value for caption in open_page().caption]
    assert any("may be stored" in caption for caption in captions) == is_told


@pytest.mark.usefixtures("all_down")
@pytest.mark.parametrize("path", ["", "corrections", "retrain", "models", "metrics"])
def test_descriptions_in_the_code_are_not_shown(path: str) -> None:
    code = (ROOT / "app" / "views" / f"{path or 'classify'}.py").read_text()
    described = re.findall(r'^"""(.+?)"""$', code, re.MULTILINE | re.DOTALL)
    shown = page_text(open_page(path))
    assert [one for one in described if one in shown] == []


@pytest.mark.usefixtures("all_down")
@pytest.mark.parametrize("path", ["", "corrections", "retrain", "models"])
def test_every_page_reports_a_classifier_that_is_down(path: str) -> None:
    assert "The classifier does not answer at http" in page_text(open_page(path))


@pytest.mark.usefixtures("all_down")
@pytest.mark.parametrize("path", ["corrections", "retrain", "models"])
def test_pages_that_need_the_trainer_report_that_it_is_down(path: str) -> None:
    text = page_text(open_page(path))
    assert "The trainer does not answer at http" in text
    assert "This page reloads when the trainer is back." in text
    assert "keeps answering" not in text  # the classifier is down too


def test_without_a_model_the_first_one_is_offered(
    empty_home: Home,
    without_model: Server,
    trainer_without_model: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", without_model.url)
    monkeypatch.setenv("TRAINER_URL", trainer_without_model.url)
    monkeypatch.setenv("TOKENS_FILE", str(empty_home.path / "tokens.json"))
    at = open_page()
    assert "Train your first model" in page_text(at)
    assert at.button(key="train_first").label == "Train the first model"


def test_without_a_model_or_a_trainer_the_page_reports_both(
    without_model: Server, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", without_model.url)
    monkeypatch.setenv("TRAINER_URL", nobody)
    text = page_text(open_page())
    assert "Train your first model" in text
    assert "The trainer does not answer at http" in text


def test_warming_up_is_reported(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    script_services(scripted, monkeypatch, run_json("succeeded"), LOADING)
    assert "Warming up" in page_text(open_page())


def test_a_version_that_does_not_load_is_reported_with_the_live_one(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = {"worker": "host-1", "tag": TAG, "error": "The weights are cut off."}
    model = {**READY, "tag": "fashion_mnist_model:new", "workers": [worker]}
    script_services(scripted, monkeypatch, run_json("succeeded"), model)
    text = page_text(open_page())
    assert "abc is still live" in text
    assert "new does not load" in text
    assert "The weights are cut off." in text
