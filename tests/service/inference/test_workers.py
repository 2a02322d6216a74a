"""The registry of workers: it tells living workers from dead ones, even if a name repeats."""

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
    """The registry's folder in an empty WARDROBE_HOME."""
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return tmp_path / "serving"


def add_dead_worker(serving: Path, name: str) -> None:
    """Write the entry that a worker of that name leaves when it is killed."""
    serving.mkdir(exist_ok=True)
    (serving / f"{name}.lock").touch()
    (serving / f"{name}.json").write_text(json.dumps(asdict(workers.Worker(name))))


def test_only_dead_workers_are_removed(serving: Path) -> None:
    add_dead_worker(serving, "elsewhere-7")
    registration = workers.Registration()
    assert [worker.worker for worker in workers.remove_dead()] == ["elsewhere-7"]
    assert [worker.worker for worker in workers.list_alive()] == [registration.name]
    assert sorted(path.suffix for path in serving.iterdir()) == [".json", ".lock"]


def test_a_new_worker_with_the_name_of_a_dead_one_is_not_removed(
    serving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers number their processes from 1 at every start."""
    name = workers.Registration().name
    add_dead_worker(serving, name)
    checked, go_on = threading.Event(), threading.Event()
    is_locked = locks.is_locked

    def check_and_wait(path: Path) -> bool:
        found = is_locked(path)
        checked.set()
        go_on.wait(10)
        return found

    with monkeypatch.context() as patch, ThreadPoolExecutor() as pool:
        patch.setattr(locks, "is_locked", check_and_wait)
        removing = pool.submit(workers.remove_dead)
        assert checked.wait(10)
        registering = pool.submit(workers.Registration)
        wait([registering], timeout=0.5)
        go_on.set()
        assert [worker.worker for worker in removing.result()] == [name]
        registration = registering.result()
    assert [worker.worker for worker in workers.list_alive()] == [registration.name]


def test_a_server_removes_the_workers_of_its_last_start_before_it_has_new_ones(
    serving: Path,
) -> None:
    add_dead_worker(serving, f"{socket.gethostname()}-1")
    Classifier.inner.remove_dead_workers()  # type: ignore[attr-defined]
    assert list(serving.iterdir()) == []
