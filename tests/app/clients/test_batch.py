"""Classification of many files: the size of calls, failures, and stopping."""

import time
from collections.abc import Callable

import pytest

from app.clients.batch import Batch, Progress, groups
from app.clients.classifier import Answer, Failed, PictureFile, Unreadable
from tests.support.processes import wait_for
from tests.support.scripted_server import Request, ScriptedServer, json_answer

ANSWER = {"label": "Bag", "confidence": 0.9, "probabilities": {"Bag": 0.9}, "model": "m:abc"}
Reply = tuple[int, str, bytes]


@pytest.fixture
def stand_in(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setenv("CLASSIFIER_URL", scripted.url)
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


def replies(alone: Callable[[], Reply], together: Reply) -> Callable[[Request], Reply]:
    return lambda request: alone() if count_of(request) == 1 else together


def test_calls_are_bounded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_IMAGES_PER_CALL", "3")
    assert [len(group) for group in groups(uploads(7))] == [3, 3, 1]


def test_calls_are_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_UPLOAD_MB", "1")
    assert [len(group) for group in groups(uploads(7, 100_000))] == [2, 2, 2, 1]


def test_calls_are_bounded_by_pixels(trousers: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {str(n): PictureFile("t.png", trousers, "image/png") for n in range(20)}
    monkeypatch.setenv("MAX_MEGAPIXELS", "1")  # a picture has 0.128 of them
    assert [len(group) for group in groups(files)] == [7, 7, 6]


def test_calls_are_bounded_by_photos(trousers: bytes) -> None:
    files = {str(n): PictureFile("t.png", trousers, "image/png") for n in range(30)}
    assert [len(group) for group in groups(files)] == [24, 6]


def test_a_file_larger_than_a_call_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_UPLOAD_MB", "1")
    assert [len(group) for group in groups(uploads(2, 300_000))] == [1, 1]


@pytest.mark.parametrize(
    "failure", [json_answer({"error": "Too much."}, 413), json_answer({"error": "Timeout."}, 504)]
)
def test_a_call_that_fails_is_made_again_for_each_picture(
    stand_in: ScriptedServer, failure: Reply
) -> None:
    stand_in.answer = replies(lambda: json_answer([ANSWER]), failure)
    outcomes = finished(Batch(uploads(4))).outcomes
    assert [type(one) for one in outcomes.values()] == [Answer] * 4
    assert [count_of(one) for one in stand_in.seen] == [4, 1, 1, 1, 1]


def test_one_that_had_no_time_is_asked_again_alone(stand_in: ScriptedServer) -> None:
    late = {"error": "Not classified in time.", "retry": True}
    together = json_answer([ANSWER, late, {"error": "Damaged."}])
    stand_in.answer = replies(lambda: json_answer([ANSWER]), together)
    outcomes = finished(Batch(uploads(3))).outcomes
    assert [type(outcomes[key]) for key in "012"] == [Answer, Answer, Unreadable]
    assert len(stand_in.seen) == 2


def test_a_busy_classifier_is_asked_again(stand_in: ScriptedServer) -> None:
    stand_in.hang_ups_before_an_answer = 2  # a lost connection, too
    stand_in.answer = lambda request: json_answer([ANSWER] * count_of(request))
    assert isinstance(finished(Batch(uploads(1))).outcomes["0"], Answer)


def test_pictures_without_an_answer_can_be_asked_again(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer({"error": "It broke."}, 500)
    files = uploads(2)
    failed = finished(Batch(files))
    assert [type(one) for one in failed.outcomes.values()] == [Failed] * 2
    stand_in.answer = lambda request: json_answer([ANSWER] * count_of(request))
    again = finished(Batch(files, failed))
    assert [type(one) for one in again.outcomes.values()] == [Answer] * 2


def test_answers_that_are_known_are_not_asked_for(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda request: json_answer([ANSWER] * count_of(request))
    known = finished(Batch(uploads(2)))
    finished(Batch(uploads(3), known))
    assert [count_of(one) for one in stand_in.seen] == [2, 1]


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

    stand_in.answer = slow
    batch = Batch(uploads(100))
    wait_for(lambda: len(batch.progress().outcomes) > 2)
    batch.stop()
    finished(batch, 5)
    assert len(stand_in.seen) < 50


def test_words_for_people_stand_in_the_place_of_a_document(stand_in: ScriptedServer) -> None:
    stand_in.answer = lambda _: json_answer([{"error": "This is not a picture that can be read."}])
    files = {"a": PictureFile("cv.pdf", b"%PDF-1.7", "image/*")}
    outcome = finished(Batch(files)).outcomes["a"]
    assert isinstance(outcome, Unreadable)
    assert "PDF" in outcome.error
