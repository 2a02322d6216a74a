"""A class of one's own on real services: taught, learned, served, and rolled back."""

import random
from collections.abc import Iterator

import pytest

from tests.support.processes import Home, MakeHome, Server, wait_for
from tests.support.services.feedback_loop import FeedbackLoop
from tests.support.silhouettes import KINDS, drawn

TAUGHT = 20


@pytest.fixture(scope="module")
def loop(home: Home, make_home: MakeHome) -> Iterator[FeedbackLoop]:
    """The session's first version, twenty drawn hats, and four socks."""
    own = make_home()
    own.take_models_of(home)
    first = (own.path / "champion").read_text().strip()
    trainer, classifier = own.serve("trainer"), own.serve("classifier", CLASSIFIER_WORKERS="1")
    loop = FeedbackLoop(own, trainer, classifier, first)
    wait_for(lambda: loop.is_served(first), 60, "the champion served")
    yield loop
    classifier.stop()
    trainer.stop()


def label(classifier: Server, picture: bytes) -> str:
    headers = {"Content-Type": "image/png"}
    answer = classifier.post("/classify", data=picture, headers=headers).json()
    return str(answer["label"])


def test_a_run_on_own_pictures_alone_says_what_is_missing(loop: FeedbackLoop) -> None:
    answer = loop.trainer.post("/runs", json={"recipe": "own"})
    assert answer.status_code == 409
    assert answer.json()["error"] == (
        "Training on your own pictures alone needs 2 classes with at least 10 pictures each."
    )
    refused = loop.trainer.post("/runs", json={"recipe": "own", "corrections": False})
    assert (refused.status_code, "always trains" in refused.json()["error"]) == (400, True)


def test_a_class_is_taught_learned_served_and_rolled_back(loop: FeedbackLoop) -> None:
    chance = random.Random(0)
    for name, count in (("Hat", TAUGHT), ("Sock", 4)):
        assert loop.trainer.post("/classes", json={"name": name}).status_code == 201
        for _ in range(count):
            loop.say(drawn(name, chance), name)
    run = loop.finished(loop.start({"recipe": "finetune", "epochs": 4}))
    assert run["classes"] == {"included": ["Hat"], "waiting": {"Sock": 6}}
    assert run["gate"]["promoted"], run["gate"]["reasons"]
    tag, others = run["result"]["model"], [drawn("Hat", chance) for _ in range(20)]
    wait_for(lambda: loop.is_served(tag), 60, "the new version served")

    assert [label(loop.classifier, picture) for picture in others].count("Hat") >= 18
    named = loop.classifier.get("/model")
    assert named["class_names"] == [*KINDS, "Hat"]
    row = loop.version(tag)
    assert set(row["metadata"]["per_class_accuracy"]) == {*KINDS, "Hat"}
    [hat] = [it for it in loop.trainer.get("/classes")["classes"] if it["name"] == "Hat"]
    assert hat["versions"] == [tag]

    assert loop.promote(loop.first).status_code == 200
    assert "Hat" not in {label(loop.classifier, picture) for picture in others}
    assert len(loop.corrections()) == TAUGHT + 4
