"""The learning loop on real services: what people say is learned, and what is worse is not served.

One champion, two epochs of `quick`; each test begins with it, and leaves the versions that it made.
"""

import base64
import io
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from PIL import Image

from tests.support.processes import MakeHome, wait_for
from tests.support.services.feedback_loop import FeedbackLoop
from tests.support.shapes import without_none
from tests.support.silhouettes import KINDS, drawn
from training.data import fashion_mnist
from training.store import corrections, versions

WORSE = {"recipe": "reference", "epochs": 1}
"""Such a run ends with two thirds of the champion's accuracy."""

DRAWINGS_A_KIND = 8
TAKEN_FOR = {"Trouser": "Bag", "Sneaker": "Dress", "Bag": "Trouser", "Ankle boot": "Shirt"}
"""Kinds that nobody mistakes for one another, and what somebody says that they are."""


@pytest.fixture(scope="module")
def loop(make_home: MakeHome) -> Iterator[FeedbackLoop]:
    home = make_home()
    trained = home.train("--recipe", "quick", "--epochs", "2")
    assert trained.returncode == 0, trained.stderr
    first = (home.path / "champion").read_text().strip()
    trainer, classifier = home.serve("trainer"), home.serve("classifier", CLASSIFIER_WORKERS="1")
    loop = FeedbackLoop(home, trainer, classifier, first)
    wait_for(lambda: loop.is_served(first), 60, "the champion served")
    yield loop
    classifier.stop()
    trainer.stop()


@pytest.fixture(autouse=True)
def with_the_first_champion(loop: FeedbackLoop) -> Iterator[None]:
    """Each test begins with the same version served."""
    yield
    if loop.champion() != loop.first:
        assert loop.promote(loop.first).status_code == 200


@pytest.fixture(scope="module")
def held_back(loop: FeedbackLoop) -> dict[str, Any]:
    """A run whose version is worse."""
    return loop.finished(loop.start(WORSE))


@pytest.fixture(scope="module")
def drawings(loop: FeedbackLoop) -> None:
    """Many corrections that are right: drawings, which the champion hardly knows."""
    for kind in KINDS:
        for number in range(DRAWINGS_A_KIND):
            loop.say(drawn(kind, random.Random(number)), kind)


@pytest.fixture(scope="module")
def wrong(loop: FeedbackLoop, test_set: fashion_mnist.Split, drawings: None) -> list[int]:
    """A few that are not, by id."""
    return [loop.say(photograph(test_set, kind), label) for kind, label in TAKEN_FOR.items()]


@pytest.fixture(scope="module")
def taught(loop: FeedbackLoop, wrong: list[int]) -> dict[str, Any]:
    """A finetune from all of them."""
    return loop.finished(loop.start({"recipe": "finetune"}))


def photograph(test_set: fashion_mnist.Split, kind: str) -> bytes:
    """The first test picture of a class that is not held out once it is a correction."""
    for pixels in test_set.images[test_set.labels == KINDS.index(kind)].numpy():
        if not corrections.is_held_out(corrections.content_hash(pixels.tobytes())):
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            return file.getvalue()
    raise AssertionError(kind)


def name_of(row: dict[str, Any]) -> str:
    """What a version calls a correction that it was trained on."""
    return f"{row['content_hash']}:{row['label']}"


# --- The gate ------------------------------------------------------------------------------------


def test_the_first_version_is_served_since_there_was_none(loop: FeedbackLoop) -> None:
    first = loop.version(loop.first)
    assert first["status"] == "champion"
    assert first["metadata"]["gate"]["promoted"] is True
    assert "no version to compare it with" in first["metadata"]["gate"]["reasons"][0]
    [promotion] = [it for it in first["promotions"] if it["by"] == "gate"]
    assert (promotion["tag"], promotion["previous"]) == (loop.first, None)


def test_a_version_that_is_worse_is_held_back_and_says_why(
    loop: FeedbackLoop, held_back: dict[str, Any]
) -> None:
    gate, tag = held_back["gate"], held_back["result"]["model"]
    assert gate["promoted"] is False
    assert gate["champion"] == loop.first == held_back["result"]["previous_model"]
    assert gate["accuracy"]["after"] < gate["accuracy"]["before"]
    assert f"{100 * gate['accuracy']['after']:.1f} %" in gate["reasons"][0]
    assert set(gate["per_class"]) == set(KINDS)
    row = loop.version(tag)
    assert (row["status"], row["champion"], row["promotions"]) == ("candidate", False, [])
    assert row["metadata"]["gate"] == without_none(gate)
    assert loop.champion() == loop.first
    assert loop.is_served(loop.first)


def test_the_report_shows_on_which_pictures_the_two_differ(
    loop: FeedbackLoop, held_back: dict[str, Any]
) -> None:
    version = held_back["result"]["model"].partition(":")[2]
    report = loop.trainer.get(f"/models/{version}/report")
    better, worse = report.pop("better"), report.pop("worse")
    assert report == held_back["gate"]
    assert len(worse) > len(better)
    for examples, right in ((worse, "before"), (better, "after")):
        assert max(Counter(it["label"] for it in examples).values(), default=0) <= 3
        for example in examples:
            assert example["before"] != example["after"]
            assert example[right] == example["label"]
            picture = Image.open(io.BytesIO(base64.b64decode(example["png"])))
            assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (28, 28))


def test_a_person_may_serve_it_for_a_reason_and_go_back(
    loop: FeedbackLoop, held_back: dict[str, Any]
) -> None:
    tag, reason = held_back["result"]["model"], "It is the reference, to compare."
    began = datetime.now(UTC)
    answer = loop.promote(tag, json={"reason": f" {reason} "})
    assert (answer.status_code, answer.json()["previous"]) == (200, loop.first)
    assert loop.is_served(tag)
    row = loop.version(tag)
    assert row["status"] == "champion"
    [promotion] = row["promotions"]
    assert began <= datetime.fromisoformat(promotion.pop("time")) <= datetime.now(UTC)
    by = {"by": "person", "actor": "local", "reason": reason}
    assert promotion == {"tag": tag, "previous": loop.first, **by}
    assert loop.version(loop.first)["status"] == "former"

    assert loop.promote(loop.first).status_code == 200
    assert loop.is_served(loop.first)
    assert loop.version(tag)["status"] == "former"
    first = loop.version(loop.first)
    assert first["status"] == "champion"
    last = first["promotions"][-1]
    assert (last["previous"], last["by"], last["reason"]) == (tag, "person", None)


def test_what_was_served_before_promotions_were_kept_is_a_former_version_too(
    loop: FeedbackLoop, held_back: dict[str, Any]
) -> None:
    kept = loop.home.path / "promotions.jsonl"
    lines = kept.read_text()
    kept.unlink()
    try:
        assert loop.version(loop.first)["promotions"] == []
        assert loop.promote(held_back["result"]["model"]).status_code == 200
        assert loop.version(loop.first)["status"] == "former"
    finally:
        kept.write_text(lines)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"reason": ""}', "'reason' should have at least 1 character."),
        (b'{"reason": "  "}', "'reason' should have at least 1 character."),
        (b'{"reason": "%s"}' % (b"a" * 501), "'reason' should have at most 500 characters."),
        (b'{"reason": 3}', "'reason' should be a text."),
        (b'{"why": "it is good"}', "There is no field 'why'."),
        (b"[]", "JSON object"),
        (b"because", "not JSON"),
    ],
)
def test_a_reason_that_is_none_promotes_nothing(
    loop: FeedbackLoop, held_back: dict[str, Any], body: bytes, words: str
) -> None:
    answer = loop.promote(held_back["result"]["model"], data=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert loop.champion() == loop.first


# --- What people say -----------------------------------------------------------------------------


def test_finetune_needs_corrections(loop: FeedbackLoop) -> None:
    assert loop.corrections() == []
    answer = loop.trainer.post("/runs", json={"recipe": "finetune"})
    assert answer.status_code == 409
    assert "no corrections to train on" in answer.json()["error"]


def test_a_finetune_learns_what_was_corrected(loop: FeedbackLoop, taught: dict[str, Any]) -> None:
    believed = loop.corrections("new")
    held_out = [row for row in believed if row["held_out"]]
    quarantined = [row["id"] for row in loop.corrections("quarantined")]
    assert taught["corrections"] == {
        "used": len(believed) - len(held_out),
        "held_out": len(held_out),
        "quarantined": len(quarantined),
        "quarantined_ids": quarantined,
    }
    measured = taught["gate"]["corrections"]
    assert measured["count"] == len(held_out) > 5
    assert measured["after"] > measured["before"]
    row = loop.version(taught["result"]["model"])
    assert row["metadata"]["network"] == loop.version(loop.first)["metadata"]["network"]
    used = row["metadata"]["corrections_used"]
    assert sorted(used) == sorted(name_of(it) for it in believed if not it["held_out"])
    assert not {name_of(it) for it in held_out} & set(used)


def test_what_looks_wrong_waits_with_its_reason_until_a_person_accepts_it(
    loop: FeedbackLoop, taught: dict[str, Any], wrong: list[int]
) -> None:
    used = loop.version(taught["result"]["model"])["metadata"]["corrections_used"]
    waiting = {row["id"]: row for row in loop.corrections("quarantined")}
    assert set(wrong) <= set(waiting)
    assert len(waiting) < len(loop.corrections()) / 5
    for number, kind in zip(wrong, TAKEN_FOR, strict=True):
        assert kind in waiting[number]["reason"]
        assert name_of(waiting[number]) not in used

    change = {"state": "accepted"}
    accepted = loop.trainer.call("PATCH", f"/corrections/{wrong[0]}", json=change)
    assert (accepted.status_code, accepted.json()["reason"]) == (200, None)
    again = loop.finished(
        loop.start({"recipe": "quick", "epochs": 1, "corrections": True}),
    )
    used = loop.version(again["result"]["model"])["metadata"]["corrections_used"]
    assert name_of(waiting[wrong[0]]) in used
    assert not {name_of(waiting[number]) for number in wrong[1:]} & set(used)
    assert [row["id"] for row in loop.corrections("accepted")] == [wrong[0]]


def test_a_run_that_learns_from_nobody_is_measured_by_the_corrections_still(
    loop: FeedbackLoop, taught: dict[str, Any]
) -> None:
    run = loop.finished(loop.start(WORSE))
    assert run["corrections"]["used"] == 0
    assert run["gate"]["corrections"]["count"] == run["corrections"]["held_out"] > 5
    assert loop.version(run["result"]["model"])["metadata"]["corrections_used"] == []


# --- Runs that end early -------------------------------------------------------------------------


def test_a_cancelled_finetune_goes_on_with_the_corrections_that_it_began_with(
    loop: FeedbackLoop, wrong: list[int]
) -> None:
    cancelled = loop.start({"recipe": "finetune", "epochs": 5})
    wait_for(lambda: loop.run(cancelled)["epochs"], 120, "an epoch")
    began_with = {
        name_of(row)
        for state in ("new", "accepted")
        for row in loop.corrections(state)
        if not row["held_out"]
    }
    assert loop.trainer.post(f"/runs/{cancelled}/cancel").status_code == 202
    run = loop.run(cancelled)
    assert (run["state"], run["resumable"]) == ("cancelled", True)
    for kind in KINDS:
        loop.say(drawn(kind, random.Random(f"later {kind}")), kind)

    resumed = loop.finished(loop.start({"resume": cancelled}))
    assert resumed["config"] == {**run["config"], "resume": cancelled}
    assert resumed["config"]["champion"] == loop.first
    assert [it["epoch"] for it in resumed["epochs"]] == list(range(1, 6))
    assert resumed["epochs"][: len(run["epochs"])] == run["epochs"]
    assert resumed["corrections"] == run["corrections"]
    used = loop.version(resumed["result"]["model"])["metadata"]["corrections_used"]
    assert set(used) == began_with


@pytest.mark.parametrize("phase", ["training", "comparing"])
def test_a_run_that_is_killed_leaves_champion_and_versions_whole(
    loop: FeedbackLoop, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROBE_HOME", str(loop.home.path))
    before = loop.trainer.get("/models")
    with versions.choosing_champion():  # so that the run cannot get further than comparing
        run_id = loop.start({"recipe": "quick", "epochs": 1})
        wait_for(lambda: loop.run(run_id)["phase"] == phase, 120, phase)
        pid = loop.run(run_id)["pid"]
    os.kill(pid, signal.SIGKILL)
    run = loop.finished(run_id, "failed")
    assert "killed" in run["error"]
    assert loop.trainer.get("/models") == before
    assert loop.is_served(loop.first)
    for row in before["models"]:
        versions.load(row["tag"])
    assert loop.promote(loop.first).status_code == 200  # nobody holds the champion's lock
