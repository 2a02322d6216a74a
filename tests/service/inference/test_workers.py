"""Who serves: the living are told from the dead, also where a name comes again."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path

import pytest

from service.classifier import Classifier
from service.inference import workers
from training.store import locks


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of entries of an own WARDROBE_HOME."""
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return tmp_path / "serving"


def leave(serving: Path, name: str) -> None:
    """What a worker of that name leaves behind when it is killed."""
    serving.mkdir(exist_ok=True)
    (serving / f"{name}.lock").touch()
    (serving / f"{name}.json").write_text(json.dumps(asdict(workers.Worker(name))))


def test_the_dead_are_forgotten_and_the_living_are_not(serving: Path) -> None:
    leave(serving, "elsewhere-7")
    registration = workers.Registration()
    assert [worker.worker for worker in workers.remove_dead()] == ["elsewhere-7"]
    assert [worker.worker for worker in workers.list_alive()] == [registration.name]
    assert sorted(path.suffix for path in serving.iterdir()) == [".json", ".lock"]


def test_one_that_registers_with_the_name_of_a_dead_one_is_not_forgotten_with_it(
    serving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers count their processes from 1, at every start."""
    name = workers.Registration().name
    leave(serving, name)
    looked, go_on = threading.Event(), threading.Event()
    is_locked = locks.is_locked

    def look_and_linger(path: Path) -> bool:
        found = is_locked(path)
        looked.set()
        go_on.wait(10)
        return found

    with monkeypatch.context() as patch, ThreadPoolExecutor() as pool:
        patch.setattr(locks, "is_locked", look_and_linger)
        forgetting = pool.submit(workers.remove_dead)
        assert looked.wait(10)
        registering = pool.submit(workers.Registration)
        wait([registering], timeout=0.5)
        go_on.set()
        assert [worker.worker for worker in forgetting.result()] == [name]
        registration = registering.result()
    assert [worker.worker for worker in workers.list_alive()] == [registration.name]


def test_before_a_server_has_workers_those_of_its_last_start_are_forgotten(serving: Path) -> None:
    leave(serving, f"{socket.gethostname()}-1")
    Classifier.inner.forget_former_workers()  # type: ignore[attr-defined]
    assert list(serving.iterdir()) == []
