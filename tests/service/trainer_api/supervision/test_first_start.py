"""What is trained by itself after the first start, and how it makes way for a person's run."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest
import torch

from service.trainer_api.supervision import first_start
from service.trainer_api.supervision.supervisor import Supervisor
from tests.support.processes import Home, MakeHome, wait_for
from training.model import networks
from training.recipes import RECIPES
from training.store import runs, versions


@pytest.fixture
def first_model(make_home: MakeHome, home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The state folder of an installation that has just trained its first model."""
    own = make_home()
    own.take_models_of(home)
    monkeypatch.setenv("WARDROBE_HOME", str(own.path))
    monkeypatch.setenv("TRAIN_FIRST_MODEL", "1")
    monkeypatch.setenv("TRAIN_STANDARD_AFTER", "1")
    ended("succeeded", recipe="quick", background=False)
    return own


@pytest.fixture
def supervisor(first_model: Home) -> Iterator[Supervisor]:
    del first_model
    supervisor = Supervisor()
    supervisor.start()
    yield supervisor
    supervisor.stop()


def ended(
    state: str,
    *,
    recipe: str = "standard",
    background: bool = True,
    actor: str = first_start.ACTOR,
    **config: Any,
) -> runs.Run:
    """Record a run that has ended so."""
    wanted = runs.configuration(recipe, 10, 0, corrections=False, champion=None) | config
    run, lock = runs.create(wanted, actor, background=background)
    os.close(lock)
    run = replace(run, state=state, ended_at=runs.now())
    runs.write(run)
    return run


def newest() -> runs.Run:
    return runs.read_all()[0]


def test_a_persons_run_interrupts_the_one_in_the_background_which_goes_on_afterwards(
    supervisor: Supervisor,
) -> None:
    wait_for(lambda: newest().background and newest().pid, 120, "a run by itself")
    background = newest()
    assert background.actor == "first start"
    assert psutil.Process(background.pid).nice() == 19

    config = runs.configuration("quick", 1, 0, corrections=False, champion=None)
    asked = supervisor.run(config, "Ada")

    interrupted = runs.read(background.run_id)
    assert interrupted is not None
    assert interrupted.state == "interrupted"
    assert "makes way for another run" in str(interrupted.error)
    wait_for(lambda: newest().background, 240, "the run in the background again")
    done = runs.read(asked.run_id)
    assert done is not None
    assert (done.state, done.actor) == ("succeeded", "Ada")
    assert newest().is_active

    supervisor.cancel(newest().run_id)

    assert newest().state == "cancelled"
    assert first_start.due_in_background() is None  # a person's word is final


@pytest.mark.usefixtures("first_model")
def test_a_run_that_starts_beside_one_of_make_train_waits_for_it() -> None:
    _, lock = runs.create(runs.configuration("quick", 1, 0, corrections=False, champion=None))
    try:
        supervisor = Supervisor()
        supervisor._start_background()
        assert supervisor._background_at is not None
        assert not any(run.background for run in runs.read_all())
    finally:
        os.close(lock)


@pytest.mark.usefixtures("first_model")
def test_after_the_first_model_a_standard_one_is_due() -> None:
    due = first_start.due_in_background()
    assert due is not None
    assert (due["recipe"], due["epochs"]) == ("standard", RECIPES["standard"].epochs)


@pytest.mark.usefixtures("first_model")
@pytest.mark.parametrize("name", ["TRAIN_FIRST_MODEL", "TRAIN_STANDARD_AFTER"])
def test_it_can_be_switched_off(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "0")
    assert first_start.due_in_background() is None


@pytest.mark.usefixtures("first_model")
@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_it_is_trained_once(state: str) -> None:
    ended(state)
    assert first_start.due_in_background() is None


@pytest.mark.usefixtures("first_model")
def test_one_that_was_interrupted_goes_on_after_its_last_epoch() -> None:
    interrupted = ended("interrupted", epochs=7)
    runs.checkpoint_path(interrupted.run_id).touch()
    assert first_start.due_in_background() == interrupted.config | {"resume": interrupted.run_id}


@pytest.mark.usefixtures("first_model")
def test_one_that_was_interrupted_before_its_first_epoch_begins_anew() -> None:
    ended("interrupted")
    due = first_start.due_in_background()
    assert due is not None
    assert "resume" not in due


@pytest.mark.usefixtures("first_model")
def test_one_that_a_person_has_resumed_is_that_persons() -> None:
    interrupted = ended("interrupted")
    ended("cancelled", background=False, actor="Ada", resume=interrupted.run_id)
    assert first_start.due_in_background() is None


@pytest.mark.usefixtures("first_model")
def test_nothing_is_due_once_a_larger_network_is_live() -> None:
    torch.manual_seed(0)
    names = ["Bag", "Coat"]
    metadata = {"network": "cnn-small", "class_names": names}
    network = networks.build("cnn-small", len(names))
    versions.set_champion(versions.save(network, labels={}, metadata=metadata))
    assert first_start.due_in_background() is None


def test_a_model_that_a_person_trained_is_not_followed_by_another(
    make_home: MakeHome, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make_home()
    own.take_models_of(home)
    monkeypatch.setenv("WARDROBE_HOME", str(own.path))
    monkeypatch.setenv("TRAIN_FIRST_MODEL", "1")
    ended("succeeded", recipe="quick", background=False, actor="Ada")
    assert first_start.first_run() is None
    assert first_start.due_in_background() is None
