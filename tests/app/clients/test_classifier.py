"""The classifier's client: against a live service, and in every state of it."""

import json
import pickle
from typing import Any

import pytest

from app.clients import classifier
from app.clients.classifier import (
    Answer,
    AwaitingModel,
    Down,
    PictureFile,
    Ready,
    Unreadable,
    WarmingUp,
)
from app.clients.http import InvalidResponse, RequestRejected
from tests.support.scripted_server import ScriptedServer, json_answer

ANSWER = {
    "label": "Bag",
    "idx": 8,
    "confidence": 0.9,
    "probabilities": {"Bag": 0.9, "Coat": 0.1},
    "model": "fashion_mnist_model:abc",
}


@pytest.fixture
def live(classifier_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", classifier_url)


@pytest.fixture
def stand_in(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setenv("CLASSIFIER_URL", scripted.url)
    return scripted


@pytest.mark.usefixtures("live")
def test_trousers_are_trousers(trousers: bytes) -> None:
    timed = classifier.classify(trousers)
    assert timed.answer.label == "Trouser"
    assert timed.answer.probabilities["Trouser"] == timed.answer.confidence
    assert sum(timed.answer.probabilities.values()) == pytest.approx(1, abs=1e-4)
    assert 0 < timed.seconds < 10


@pytest.mark.usefixtures("live")
def test_what_is_no_picture_is_rejected_with_a_message() -> None:
    with pytest.raises(RequestRejected) as rejected:
        classifier.classify(b"not a picture")
    assert rejected.value.status == 400
    assert rejected.value.message.endswith(".")


@pytest.mark.usefixtures("live")
def test_one_bad_file_among_many_leaves_the_others_classified(trousers: bytes) -> None:
    files = [PictureFile(f"{n}.png", trousers, "image/png") for n in range(5)]
    files[2] = PictureFile("2.png", b"not a picture", "image/png")
    answers = classifier.classify_many(files)
    assert [isinstance(one, Answer) for one in answers] == [True, True, False, True, True]
    assert isinstance(answers[2], Unreadable)
    assert answers[2].error


@pytest.mark.usefixtures("live")
def test_the_preview_is_a_png(trousers: bytes) -> None:
    assert classifier.preview(trousers).startswith(b"\x89PNG")


@pytest.mark.usefixtures("live")
def test_a_classifier_with_a_model_is_ready() -> None:
    state = classifier.fetch_state()
    assert isinstance(state, Ready)
    assert state.workers == 2
    assert 0 < state.metadata["accuracy"] <= 1


def test_an_answer_can_be_cached_but_not_changed(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer(ANSWER)
    answer = classifier.classify(b"x").answer
    assert pickle.loads(pickle.dumps(answer)) == answer  # noqa: S301
    assert list(answer.probabilities) == ["Bag", "Coat"]
    with pytest.raises(ValueError, match="frozen"):
        answer.label = "Coat"


@pytest.mark.parametrize(
    "raw", [None, [], {}, {**ANSWER, "confidence": "high"}, {**ANSWER, "probabilities": [0.1]}]
)
def test_an_answer_of_another_shape_is_an_error_with_a_message(
    stand_in: ScriptedServer, raw: Any
) -> None:
    stand_in.answer = lambda _: json_answer(raw)
    with pytest.raises(InvalidResponse, match=r"does not understand.*another program"):
        classifier.classify(b"x")


@pytest.mark.parametrize("raw", [None, {}, [ANSWER], [ANSWER, {}], [ANSWER, None], [ANSWER] * 3])
def test_many_answers_of_another_shape_or_number_are_an_error(
    stand_in: ScriptedServer, raw: Any
) -> None:
    stand_in.answer = lambda _: json_answer(raw)
    with pytest.raises(InvalidResponse, match=r"does not understand.*another program"):
        classifier.classify_many([PictureFile("a.png", b"x", "image/png")] * 2)


OLD, NEW = "fashion_mnist_model:old", "fashion_mnist_model:new"


def status(tag: str | None, serving: dict[str, int], error: str | None = None) -> dict[str, Any]:
    workers = [{"worker": "host-1", "tag": tag, "error": error}]
    return {"tag": tag, "metadata": {"accuracy": 0.9}, "workers": workers, "serving": serving}


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (status(None, {}), AwaitingModel()),
        (status(NEW, {NEW: 2}), Ready(NEW, 2, NEW, {"accuracy": 0.9}, None)),
        (status(NEW, {OLD: 1, NEW: 1}), Ready(NEW, 1, NEW, {"accuracy": 0.9}, None)),
        (status(NEW, {OLD: 2}, "Bad."), Ready(OLD, 2, NEW, {"accuracy": 0.9}, "Bad.")),
        (status(NEW, {NEW: 0}), WarmingUp(NEW, "The workers are loading the model.")),
        (status(NEW, {}, "No file."), WarmingUp(NEW, "No file.")),
    ],
)
def test_each_state_is_told_apart(stand_in: ScriptedServer, raw: Any, state: object) -> None:
    stand_in.answer = lambda _: json_answer(raw)
    assert classifier.fetch_state() == state


def test_not_ready_to_answer_is_warming_up(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"error": "A moment."}, 503)
    assert classifier.fetch_state() == WarmingUp(None, "A moment.")


@pytest.mark.parametrize("body", [b"[]", b"<h1>", json.dumps({"tag": 1}).encode()])
def test_another_program_counts_as_down(stand_in: ScriptedServer, body: bytes) -> None:
    stand_in.answer = lambda _: (200, "application/json", body)
    state = classifier.fetch_state()
    assert isinstance(state, Down)
    assert "another program" in state.reason


def test_nobody_there_is_down(nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", nobody)
    state = classifier.fetch_state()
    assert isinstance(state, Down)
    assert nobody in state.reason
