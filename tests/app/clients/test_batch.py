"""Classification of many files: what is sent, failures, and stopping."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.clients.batch import Batch, Progress
from app.clients.classifier import Answer, Failed, PictureFile, Unreadable
from tests.support.processes import wait_for
from tests.support.scripted_server import Request, ScriptedServer, json_answer

ANSWER = {"label": "Bag", "confidence": 0.9, "probabilities": {"Bag": 0.9}, "model": "m:abc"}
INPUT = b"\x89PNG of 28x28 pixels"
Reply = tuple[int, str, bytes]


@pytest.fixture
def stand_in(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setenv("CLASSIFIER_URL", scripted.url)
    monkeypatch.setattr("app.clients.batch.CALLS_AT_ONCE", 1)
    return scripted


def uploads(count: int, size: int = 10) -> dict[str, PictureFile]:
    return {str(n): PictureFile(f"{n}.png", b"\x89PNG" * size, "image/png") for n in range(count)}


def count_of(request: Request) -> int:
    return request[2].count(b'name="images"')


def finished(batch: Batch, seconds: float = 30) -> Progress:
    batch.wait(seconds)
    progress = batch.progress()
    assert not progress.running
    return progress


def answering(classes: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """Answer as a classifier whose every input is INPUT."""
    return lambda request: (
        (200, "image/png", INPUT) if request[1] == "/preview" else classes(request)
    )


def replies(alone: Callable[[], Reply], together: Reply) -> Callable[[Request], Reply]:
    return answering(lambda request: alone() if count_of(request) == 1 else together)


def calls_of(server: ScriptedServer) -> list[Request]:
    return [one for one in server.seen if one[1] == "/classify_many"]


def previews_of(server: ScriptedServer) -> list[Request]:
    return [one for one in server.seen if one[1] == "/preview"]


def test_files_are_sent_once_and_their_inputs_classified_together(
    stand_in: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_IMAGES_PER_CALL", "3")
    stand_in.answer = answering(lambda request: json_answer([ANSWER] * count_of(request)))
    progress = finished(Batch(uploads(7)))
    assert len(previews_of(stand_in)) == 7
    assert sum(count_of(one) for one in calls_of(stand_in)) == 7
    assert max(count_of(one) for one in calls_of(stand_in)) <= 3
    assert all(INPUT in one[2] for one in calls_of(stand_in))
    assert progress.inputs == dict.fromkeys(progress.outcomes, INPUT)


@pytest.mark.parametrize(
    "failure", [json_answer({"error": "Too much."}, 413), json_answer({"error": "Timeout."}, 504)]
)
def test_a_call_that_fails_is_made_again_for_each_picture(
    stand_in: ScriptedServer, failure: Reply
) -> None:
    stand_in.answer = replies(lambda: json_answer([ANSWER]), failure)
    outcomes = finished(Batch(uploads(4))).outcomes
    assert [type(one) for one in outcomes.values()] == [Answer] * 4
    assert [count_of(one) for one in calls_of(stand_in)] == [4, 1, 1, 1, 1]


def test_one_that_had_no_time_is_asked_again_alone(stand_in: ScriptedServer) -> None:
    late = {"error": "Not classified in time.", "retry": True}
    together = json_answer([ANSWER, late, {"error": "Damaged."}])
    stand_in.answer = replies(lambda: json_answer([ANSWER]), together)
    outcomes = finished(Batch(uploads(3))).outcomes
    assert [type(outcomes[key]) for key in "012"] == [Answer, Answer, Unreadable]
    assert len(calls_of(stand_in)) == 2


def test_a_busy_classifier_is_asked_again(stand_in: ScriptedServer) -> None:
    stand_in.hang_ups_before_an_answer = 2  # a lost connection, too
    stand_in.answer = answering(lambda request: json_answer([ANSWER] * count_of(request)))
    assert isinstance(finished(Batch(uploads(1))).outcomes["0"], Answer)


def test_pictures_without_an_answer_can_be_asked_again(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"error": "It broke."}, 500)
    files = uploads(2)
    failed = finished(Batch(files))
    assert [type(one) for one in failed.outcomes.values()] == [Failed] * 2
    stand_in.answer = answering(lambda request: json_answer([ANSWER] * count_of(request)))
    again = finished(Batch(files, failed))
    assert [type(one) for one in again.outcomes.values()] == [Answer] * 2


def test_answers_that_are_known_are_not_asked_for(stand_in: ScriptedServer) -> None:
    stand_in.answer = answering(lambda request: json_answer([ANSWER] * count_of(request)))
    known = finished(Batch(uploads(2)))
    finished(Batch(uploads(3), known))
    assert [count_of(one) for one in calls_of(stand_in)] == [2, 1]
    assert len(previews_of(stand_in)) == 3


def test_for_another_version_the_inputs_are_not_fetched_again(stand_in: ScriptedServer) -> None:
    stand_in.answer = answering(lambda request: json_answer([ANSWER] * count_of(request)))
    known = finished(Batch(uploads(2)))
    finished(Batch(uploads(2), replace(known, outcomes={})))
    assert [count_of(one) for one in calls_of(stand_in)] == [2, 2]
    assert len(previews_of(stand_in)) == 2


def test_a_classifier_that_is_away_ends_the_batch(
    nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", nobody)
    monkeypatch.setattr("app.clients.batch.PAUSES", (0.01,))
    outcomes = finished(Batch(uploads(50))).outcomes
    assert len(outcomes) == 50
    assert all(isinstance(one, Failed) and nobody in one.error for one in outcomes.values())


def test_a_batch_that_is_stopped_asks_no_more(
    stand_in: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_IMAGES_PER_CALL", "1")

    def slow(_: Request) -> Reply:
        time.sleep(0.1)
        return json_answer([ANSWER])

    stand_in.answer = answering(slow)
    batch = Batch(uploads(100))
    wait_for(lambda: len(batch.progress().outcomes) > 2)
    batch.stop()
    finished(batch, 5)
    assert len(stand_in.seen) < 50


@pytest.mark.parametrize(
    ("code", "kind"), [(400, Unreadable), (422, Unreadable), (401, Failed), (500, Failed)]
)
def test_a_picture_is_refused_or_can_be_asked_again(
    stand_in: ScriptedServer, code: int, kind: type[Unreadable]
) -> None:
    stand_in.answer = lambda _: json_answer({"error": "No."}, code)
    outcomes = finished(Batch(uploads(1))).outcomes
    assert [type(one) for one in outcomes.values()] == [kind]
    assert not calls_of(stand_in)
