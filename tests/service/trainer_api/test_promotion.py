"""A new version is served by every worker, and no request notices the change."""

import io
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import requests
from PIL import Image

from tests.support.processes import Home, MakeHome, Server, wait_for
from tests.support.services.stored_versions import drop_checksums
from training.data import fashion_mnist
from training.store import tags, versions


@dataclass
class Load:
    """What clients that send all the time have seen: (status, model), counted."""

    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return sum(self.answers.values()) + len(self.failures)

    @property
    def served(self) -> set[str]:
        return {model for _, model in self.answers}

    def assert_none_failed(self) -> None:
        assert self.failures == []
        assert {status for status, _ in self.answers} == {200}


@dataclass
class Services:
    """A classifier and a trainer of one test, on a folder with two versions."""

    home: Home
    classifier: Server
    trainer: Server
    first: str
    second: str


@pytest.fixture(scope="module")
def services(make_home: MakeHome, home: Home) -> Iterator[Services]:
    own = make_home()
    shutil.copytree(home.path / "models", own.path / "models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(own.path))
        first = versions.list_versions()[-1].tag
        versions.set_champion(first)
    assert (
        own.train("--recipe", "quick", "--epochs", "1", "--seed", "5", "--no-promote").returncode
        == 0
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(own.path))
        second = versions.list_versions()[0].tag
    classifier = own.serve("classifier", CLASSIFIER_WORKERS="2")
    trainer = own.serve("trainer")
    wait_for(lambda: classifier.get("/model")["serving"] == {first: 2}, what="two workers")
    yield Services(own, classifier, trainer, first, second)
    trainer.stop()
    classifier.stop()


@pytest.fixture
def picture(test_set: fashion_mnist.Split) -> bytes:
    file = io.BytesIO()
    Image.fromarray(test_set.images[0].numpy()).save(file, "PNG")
    return file.getvalue()


@contextmanager
def load(url: str, picture: bytes, clients: int = 8) -> Iterator[Load]:
    """Clients that send one request after the other until the block ends."""
    seen, lock, done = Load(), threading.Lock(), threading.Event()

    def send() -> None:
        session = requests.Session()
        headers = {"Content-Type": "image/png"}
        while not done.is_set():
            try:
                answer = session.post(f"{url}/classify", data=picture, headers=headers, timeout=10)
            except requests.RequestException as error:
                with lock:
                    seen.failures.append(repr(error))
                continue
            with lock:
                seen.answers[answer.status_code, answer.json().get("model", answer.text)] += 1

    threads = [threading.Thread(target=send) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join()


def version(tag: str) -> str:
    return tag.partition(":")[2]


def loaded(server: Server) -> dict[str, float]:
    """The metric wardrobe_model_loaded, by version."""
    lines = requests.get(f"{server.url}/metrics", timeout=10).text.splitlines()
    found = [line for line in lines if line.startswith("wardrobe_model_loaded{")]
    return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in found}


def test_promoting_there_and_back_under_load_fails_no_request(
    services: Services, picture: bytes
) -> None:
    with load(services.classifier.url, picture) as seen:
        wait_for(lambda: seen.sent > 500, 60)
        for tag in (services.second, services.first, services.second):
            answer = services.trainer.post(f"/models/{version(tag)}/promote")
            assert answer.status_code == 200, answer.text
            assert answer.json()["workers"] == 2
            assert answer.json()["seconds"] < 5
            assert services.classifier.get("/model")["serving"] == {tag: 2}
            assert loaded(services.classifier) == {tag: 2}
            before = seen.sent
            wait_for(lambda before=before: seen.sent > before + 1_000, 120)  # type: ignore[misc]
        wait_for(lambda: seen.sent >= 5_000, 240)
    seen.assert_none_failed()
    assert seen.served == {services.first, services.second}


def test_a_run_under_load_and_its_version_fail_no_request(
    services: Services, picture: bytes
) -> None:
    before = services.classifier.get("/model")["tag"]
    with load(services.classifier.url, picture) as seen:
        wait_for(lambda: seen.sent > 100, 60)
        run_id = services.trainer.post(
            "/runs", json={"recipe": "quick", "epochs": 1, "seed": 3}
        ).json()["run_id"]
        wait_for(lambda: services.trainer.get(f"/runs/{run_id}")["result"], 240, "the run")
        result = services.trainer.get(f"/runs/{run_id}")["result"]
        # The gate may have held it back: one epoch differs from another one by chance.
        answer = services.trainer.post(f"/models/{version(result['model'])}/promote")
        assert answer.status_code == 200, answer.text
        wait_for(lambda: result["model"] in seen.served, 10, "the new version answering")
    seen.assert_none_failed()
    assert seen.served == {before, result["model"]}
    assert result["previous_model"] == before


def serves_only(services: Services, tag: str) -> None:
    """Return once both workers serve this version, and neither tells of an error."""

    def both_do() -> bool:
        described = services.classifier.get("/model")
        is_well = not any(worker["error"] for worker in described["workers"])
        return bool(described["serving"] == {tag: 2} and is_well)

    wait_for(both_do, 20, f"both workers serving {tag}")


def test_a_version_that_does_not_load_leaves_the_old_one_serving(services: Services) -> None:
    champion = services.classifier.get("/model")["tag"]
    serves_only(services, champion)
    store = services.home.path / "models" / tags.MODEL_NAME
    shutil.copytree(store / version(champion), store / "broken")
    drop_checksums(store / "broken")  # else no worker would be asked to load it
    (store / "broken" / "weights.pt").write_bytes(b"no weights")
    answer = services.trainer.post("/models/broken/promote")
    assert answer.status_code == 422
    assert "cannot be loaded" in answer.json()["error"]
    assert (services.home.path / "champion").read_text().strip() == champion
    assert services.classifier.get("/model")["serving"] == {champion: 2}
    serves_only(services, champion)
    text = requests.get(f"{services.classifier.url}/metrics", timeout=10).text
    [failures] = [it for it in text.splitlines() if it.startswith("wardrobe_model_load_failures_")]
    assert float(failures.split()[1]) >= 1
    shutil.rmtree(store / "broken")


def test_a_broken_champion_file_is_told_while_the_old_version_serves(services: Services) -> None:
    champion = services.classifier.get("/model")["tag"]
    serves_only(services, champion)
    path = services.home.path / "champion"
    path.write_text("fashion_mnist_model:never-there\n")
    try:
        wait_for(lambda: all(it["error"] for it in services.classifier.get("/model")["workers"]), 5)
        described = services.classifier.get("/model")
        assert described["serving"] == {champion: 2}
        assert "no version" in described["workers"][0]["error"]
        assert requests.get(f"{services.classifier.url}/readyz", timeout=10).status_code == 200
    finally:
        path.write_text(f"{champion}\n")
    serves_only(services, champion)


@pytest.mark.parametrize(
    "name", ["unknown", "fashion_mnist_model:unknown", "a.b", "%20", "%00", "a" * 300]
)
def test_an_unknown_version_cannot_be_promoted(services: Services, name: str) -> None:
    answer = services.trainer.post(f"/models/{name}/promote")
    assert answer.status_code == 404
    assert "version" in answer.json()["error"]


def test_a_killed_worker_is_replaced_and_serving_goes_on(
    services: Services, picture: bytes
) -> None:
    import os

    def pids() -> set[int]:
        workers = services.classifier.get("/model")["workers"]
        return {int(worker["worker"].rpartition("-")[2]) for worker in workers}

    before = pids()
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in pids(), 5, "the dead worker forgotten")
    for _ in range(20):
        answer = services.classifier.post("/classify", files={"image": picture})
        assert answer.status_code == 200
    wait_for(lambda: len(pids()) == 2, 60, "a new worker")
    tag = services.classifier.get("/model")["tag"]
    wait_for(lambda: loaded(services.classifier) == {tag: 2}, 30, "both workers serving")


@pytest.fixture
def empty(make_home: MakeHome) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []
    home = make_home()

    def start(name: str, **extra: str) -> Server:
        started.append(home.serve(name, **extra))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def test_an_empty_store_is_a_state_and_the_first_model_is_served_as_soon_as_it_is_there(
    empty: Callable[..., Server], picture: bytes
) -> None:
    classifier = empty("classifier", CLASSIFIER_WORKERS="1")
    ready = requests.get(f"{classifier.url}/readyz", timeout=10)
    assert ready.status_code == 503
    assert "no model yet" in ready.json()["error"]
    refused = classifier.post("/classify", files={"image": picture})
    assert refused.status_code == 503
    assert "no model yet" in refused.json()["error"]
    assert refused.headers["Retry-After"]
    assert classifier.get("/model")["tag"] is None
    assert classifier.post("/preview", files={"image": picture}).status_code == 200

    trainer = empty("trainer", TRAIN_FIRST_MODEL="1", TRAIN_STANDARD_AFTER="0")
    wait_for(lambda: classifier.get("/model")["serving"], 240, "the first model")
    assert classifier.post("/classify", files={"image": picture}).status_code == 200
    assert trainer.get("/models")["champion"] == classifier.get("/model")["tag"]


def test_promoting_without_a_classifier_is_said_so(make_home: MakeHome, home: Home) -> None:
    own = make_home()
    shutil.copytree(home.path / "models", own.path / "models")
    trainer = own.serve("trainer")
    try:
        model = trainer.get("/models")["models"][0]
        began = time.monotonic()
        answer = trainer.post(f"/models/{model['version']}/promote")
        assert time.monotonic() - began < 5
        assert answer.status_code == 202
        assert "No classifier is running" in answer.json()["detail"]
        assert trainer.get("/models")["champion"] == model["tag"]
    finally:
        trainer.stop()
