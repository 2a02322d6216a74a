"""Names of versions: the trainer's numbers, asked for once, and what stands in for them."""

import time
from types import SimpleNamespace

import pytest

from app.clients import version_names
from app.clients.version_names import version_name
from tests.support.scripted_server import ScriptedServer, json_answer

NUMBERS = {"abc": 1, "def": 2}


@pytest.fixture
def trainer(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setenv("TRAINER_URL", scripted.url)
    scripted.answer = lambda _: json_answer({"numbers": NUMBERS})
    return scripted


@pytest.mark.parametrize("tag", ["fashion_mnist_model:def", "def"])
def test_a_version_is_called_by_its_number(trainer: ScriptedServer, tag: str) -> None:
    assert version_name(tag) == "v2"


def test_the_numbers_are_asked_for_once(trainer: ScriptedServer) -> None:
    assert [version_name(tag) for tag in ("abc", "def", "abc")] == ["v1", "v2", "v1"]
    assert [path for _, path, _ in trainer.seen] == ["/models/numbers"]


def test_a_new_version_is_asked_for(
    trainer: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert version_name("abc") == "v1"
    trainer.answer = lambda _: json_answer({"numbers": {**NUMBERS, "new": 3}})
    later = time.monotonic() + 60
    monkeypatch.setattr(version_names, "time", SimpleNamespace(monotonic=lambda: later))
    assert version_name("new") == "v3"


def test_a_version_that_nobody_knows_is_asked_for_once_a_second(
    trainer: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: 60.0)
    monkeypatch.setattr(version_names, "time", clock)
    assert [version_name("lost") for _ in range(20)] == ["lost"] * 20
    assert len(trainer.seen) == 1
    clock.monotonic = lambda: 60.0 + version_names.RETRY_SECONDS
    assert version_name("lost") == "lost"
    assert len(trainer.seen) == 2


def test_the_tag_stands_in_while_the_trainer_is_away(
    nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_URL", nobody)
    assert version_name("fashion_mnist_model:abc") == "abc"
