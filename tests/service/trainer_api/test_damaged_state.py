"""Every file of the state folder, damaged in every way: all starts, all is listed, all is said.

The trainer's own application and a worker's champion run in this process: each file and each kind
of damage is tried on a folder of its own.
"""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.inference import workers
from service.inference.champion import Champion
from service.metrics.buffer import MetricsBuffer
from service.shadow import assignment
from service.trainer_api.app import app
from service.trainer_api.supervision.supervisor import Supervisor
from tests.support.corrections_store import kept
from tests.support.services.damage import DAMAGES, ordinary_user
from training.model import networks
from training.store import corrections, corrections_db, promotions, runs, tags, versions

CLASSES = ["Bag", "Shirt"]
CORRECTIONS = 60
RUN = "20261128-070000-000-abcd"


@dataclass(frozen=True)
class State:
    """A state folder with two versions, of which the second is live, a run and corrections."""

    home: Path
    first: str
    second: str

    def path(self, name: str) -> Path:
        return self.home / name.format(version=tags.version_of(self.second), run=RUN)


@pytest.fixture(scope="module")
def whole() -> Iterator[State]:
    home = Path(tempfile.mkdtemp(prefix="wardrobe-state-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(home))
        first, second = _save(), _save()
        for tag, previous in ((first, None), (second, first)):
            versions.set_champion(tag)
            promotions.record(tag, previous, promotions.PERSON)
        with versions.choosing_champion():
            pass
        for number in range(CORRECTIONS):
            kept(number)
        # Otherwise the log has the whole database, and repairs it.
        with closing(sqlite3.connect(home / "corrections.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assignment.assign(first, 0.5)
        _record_run()
        yield State(home, first, second)
        shutil.rmtree(home)


def _save() -> str:
    metadata = {"network": "mlp", "class_names": CLASSES}
    return versions.save(
        networks.build("mlp", len(CLASSES)), labels={}, metadata=metadata, report={"accuracy": 1}
    )


def _record_run() -> None:
    folder = runs.folder(RUN)
    folder.mkdir(parents=True)
    runs.write(runs.Run(RUN, "cancelled", {"recipe": "quick"}, created_at=runs.now()))
    log = runs.EventLog(RUN)
    for step in range(20):
        log.append({"type": "step", "step": step})
    for name in ("log", "lock", "checkpoint.pt"):
        (folder / name).write_bytes(b"a file of a run")


@pytest.fixture
def state(whole: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """A copy to damage, where an ordinary user may read it."""
    home = Path(tempfile.mkdtemp(prefix="wardrobe-state-"))
    monkeypatch.setenv("WARDROBE_HOME", str(home))
    shutil.copytree(whole.home, home, dirs_exist_ok=True)
    (home / "serving").mkdir(exist_ok=True)
    for suffix in ("lock", "json", "shadow"):
        (home / "serving" / f"gone-1.{suffix}").write_text("{}")
    yield State(home, whole.first, whole.second)
    shutil.rmtree(home)


def start_and_list(state: State) -> dict[str, Any]:
    """Start as the trainer and a worker do, ask for all that pages show, and return the answers."""
    supervisor = Supervisor()
    supervisor.start()
    supervisor.stop()
    client = TestClient(app, raise_server_exceptions=False)
    paths = ("/models", "/runs", f"/runs/{RUN}", f"/runs/{RUN}/events", "/shadow", "/corrections")
    answers = {path: client.get(path) for path in (*paths, "/problems")}
    for path, answer in answers.items():
        assert answer.status_code in (200, 404, 503), (path, answer.text)
        assert answer.status_code == 200 or answer.json()["error"], path
    workers.remove_dead()
    champion = Champion(workers.Registration(), MetricsBuffer())
    champion.start()
    champion.stop()
    served = champion.model.tag if champion.model else None
    return {**{path: answer.json() for path, answer in answers.items()}, "served": served}


SERVED_BY_THE_FIRST = {
    "models/fashion_mnist_model/{version}/model.yaml",
    "models/fashion_mnist_model/{version}/weights.pt",
}
SAID = {
    *SERVED_BY_THE_FIRST,
    "champion",
    "runs/{run}/run.json",
    "corrections.db",
}
"""Damage of any kind is said in words by the trainer's calls."""

SAID_IF_THERE = {"promotions.jsonl", "shadow", "version_numbers.jsonl"}
"""The same, except where nothing can tell that there was a file, or what was in it."""

UNNOTICED = {("version_numbers.jsonl", "cut in half")}
"""Its two lines are of one length: half of it is a whole file."""

SILENT = {
    "runs/{run}/events.jsonl",
    "runs/{run}/log",
    "runs/{run}/lock",
    "runs/{run}/checkpoint.pt",
    "runs/.lock",
    ".champion.lock",
    ".version_numbers.lock",
    ".shadow.lock",
    ".corrections.db.lock",
    "serving/gone-1.lock",
    "serving/gone-1.json",
    "serving/gone-1.shadow",
    "models/fashion_mnist_model/latest",
    "models/fashion_mnist_model/{version}/report.json",
    "models/fashion_mnist_model/{version}/examples.pt",
    "models/fashion_mnist_model/{version}/custom_objects.pkl",
}
"""Nobody needs what they hold to list, to start or to serve."""


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", sorted(SAID | SAID_IF_THERE | SILENT))
def test_one_damaged_file_stops_nothing(state: State, name: str, damage: str) -> None:
    path = state.path(name)
    if not path.exists():
        path.touch()
    DAMAGES[damage](path)
    with ordinary_user(state.home):
        found = start_and_list(state)
    words = json.dumps(
        [found["/problems"], found["/models"], found["/runs"], found["/corrections"]]
    )
    is_there = damage not in ("missing", "empty") and (name, damage) not in UNNOTICED
    if name in SAID or (name in SAID_IF_THERE and is_there):
        base = path.name if path.parent.name != tags.version_of(state.second) else path.parent.name
        assert base in words or str(path) in words, words
        assert any(
            word in words for word in ("damaged", "disappeared", "cannot be read", "missing")
        )
    assert found["served"] == (state.first if name in SERVED_BY_THE_FIRST else state.second)
    assert {it["run_id"] for it in found["/runs"]["runs"]} == {RUN}
    assert {it["tag"]: it["number"] for it in found["/models"]["models"]} == {
        state.first: 1,
        state.second: 2,
    }
    if (name, damage) == (".corrections.db.lock", "unreadable"):
        assert "whom it belongs to" in found["/corrections"]["error"]
    elif name != "corrections.db":
        assert found["/corrections"]["counts"]["new"] == CORRECTIONS


@pytest.mark.parametrize("damage", sorted(DAMAGES.keys() - {"unreadable", "missing"}))
def test_a_damaged_database_is_kept_and_its_readable_rows_are_used(
    state: State, damage: str
) -> None:
    file = state.home / "corrections.db"
    DAMAGES[damage](file)
    damaged = file.read_bytes() if file.is_file() else None

    counts = start_and_list(state)["/corrections"]["counts"]

    [moved] = [
        it
        for it in state.home.glob("corrections.db.damaged-*")
        if it.suffix != ".txt" and not it.name.endswith(("-wal", "-shm"))
    ]
    assert damaged is None or moved.read_bytes() == damaged
    if damage == "cut in half":
        assert 0 < counts["new"] < CORRECTIONS
    assert kept(1_000).id > 0


def test_a_database_that_is_replaced_while_in_use_is_noticed(state: State) -> None:
    assert kept(500).id
    file = corrections_db.path()
    file.unlink()
    assert kept(501).id
    [problem] = TestClient(app).get("/problems").json()["problems"]
    assert "disappeared" in problem["error"]
    file.write_bytes(b"")
    assert kept(502).id
    assert corrections.counts()["new"] == 2  # SQLite's log had the first


def test_a_damaged_log_of_the_database_is_said_and_kept(state: State) -> None:
    client = TestClient(app)
    client.get("/corrections")
    kept(700)
    wal = state.home / "corrections.db-wal"
    copy = Path(tempfile.mkdtemp(prefix="wardrobe-state-")) / "home"
    shutil.copytree(state.home, copy)
    content = bytearray((copy / wal.name).read_bytes())
    content[100:200] = bytes(100)  # in the first page of the first commit
    (copy / wal.name).write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(copy))
        assert client.get("/corrections").status_code == 200
        [problem] = client.get("/problems").json()["problems"]
    assert "may be missing" in problem["error"]
    assert next(copy.glob("corrections.db-wal.damaged-*[0-9]")).read_bytes() == content
    shutil.rmtree(copy.parent)


@pytest.mark.parametrize("position", [100, 2_000, 20_000, 100_000])
def test_one_changed_byte_of_the_weights_is_noticed(state: State, position: int) -> None:
    path = state.path("models/fashion_mnist_model/{version}/weights.pt")
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(versions.DamagedVersion, match=r"weights\.pt is not the file"):
        versions.load(state.second)
    answer = TestClient(app).get("/models").json()
    assert [bool(it["error"]) for it in answer["models"]] == [True, False]
    assert [it["verified"] for it in answer["models"]] == [False, True]


@pytest.mark.parametrize(
    "text",
    ["{}", "tag: [", "name: x\nversion: y\ncreation_time: soon\n", "a: b: c", "[]", "metadata: 3"],
)
def test_a_description_that_is_something_else_is_listed_as_damaged(state: State, text: str) -> None:
    state.path("models/fashion_mnist_model/{version}/model.yaml").write_text(text)
    [second, first] = TestClient(app).get("/models").json()["models"]
    assert "model.yaml" in second["error"]
    assert second["champion"]
    assert first["error"] is None


@pytest.mark.parametrize("line", ['{"reason": "\\ud800"}', "[1]", "nothing", '{"tag": 3}'])
def test_a_damaged_line_of_the_history_is_left_out(state: State, line: str) -> None:
    with promotions.path().open("a") as lines:
        lines.write(f"{line}\n")
    client = TestClient(app)
    assert [len(it["promotions"]) for it in client.get("/models").json()["models"]] == [1, 1]
    [problem] = client.get("/problems").json()["problems"]
    assert problem["error"].startswith("1 line of the history")
