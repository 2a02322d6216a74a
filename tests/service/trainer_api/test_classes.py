"""Classes over HTTP: added, used as labels, renamed, merged, deleted, undone; names that are not
possible."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.processes import Home, MakeHome, Server
from tests.support.services.correction_calls import keep, new_picture, row, send
from training.store import classes


@pytest.fixture(scope="module")
def empty_trainer(make_home: MakeHome) -> Iterator[Server]:
    """A trainer of a project without a model."""
    server = make_home().serve("trainer")
    yield server
    server.stop()


def listed(trainer: Server) -> dict[str, dict[str, Any]]:
    """The classes by name."""
    return {one["name"]: one for one in trainer.get("/classes")["classes"]}


def add(trainer: Server, name: str) -> str:
    answer = trainer.post("/classes", json={"name": name})
    assert answer.status_code == 201, answer.text
    added: str = answer.json()["name"]
    return added


def changed(trainer: Server, method: str, name: str, /, **body: str) -> int:
    answer = trainer.call(method, f"/classes/{quote(name, safe='')}", json=body or None)
    assert answer.status_code == 200, answer.text
    number: int = answer.json()["change"]
    return number


def undo(trainer: Server, change: int) -> None:
    answer = trainer.post("/classes/undo", json={"change": change})
    assert answer.status_code == 200, answer.text


def test_the_built_in_classes_are_there_and_versions_know_them(
    own_home: Home, keeper: Server
) -> None:
    answer = keeper.get("/classes")
    assert [one["name"] for one in answer["classes"][:10]] == list(classes.BUILT_IN)
    assert answer["limit"] == 50
    tag = (own_home.path / "champion").read_text().strip()
    assert all(tag in one["versions"] for one in answer["classes"][:10])


def test_a_class_of_ones_own_from_its_first_picture_to_the_last_undo(keeper: Server) -> None:
    assert add(keeper, "  Straw   hat ") == "Straw hat"
    assert listed(keeper)["Straw hat"]["pictures"] == {"usable": 0, "held_out": 0, "needed": 10}
    pictures = [new_picture() for _ in range(11)]
    numbers = [keep(keeper, picture, "Straw hat") for picture in pictures]
    assert keeper.get("/corrections?label=Straw hat")["counts"]["new"] == 11
    counts = listed(keeper)["Straw hat"]["pictures"]
    held_out = sum(row(keeper, number)["held_out"] for number in numbers)
    assert counts == {"usable": 11, "held_out": held_out, "needed": 0}

    renamed = changed(keeper, "PATCH", "Straw hat", name="Sun hat/cap")
    assert row(keeper, numbers[0])["label"] == "Sun hat/cap"
    assert listed(keeper)["Sun hat/cap"]["aliases"] == ["Straw hat"]
    assert keep(keeper, new_picture(), "Straw hat") > numbers[-1]  # what an older version answers
    assert listed(keeper)["Sun hat/cap"]["pictures"]["usable"] == 12

    deleted = changed(keeper, "DELETE", "Sun hat/cap")
    assert "Sun hat/cap" not in listed(keeper)
    assert keeper.get("/corrections?label=Sun hat/cap")["counts"]["new"] == 0
    undone = keeper.post("/classes/undo", json={"change": renamed})
    assert undone.status_code == 409
    assert "Sun hat/cap was deleted, with 12 corrections." in undone.json()["error"]
    assert keeper.get("/classes")["changes"][0]["id"] == deleted
    undo(keeper, deleted)
    undo(keeper, renamed)
    assert listed(keeper)["Straw hat"]["pictures"]["usable"] == 12


def test_merging_into_a_built_in_class_with_a_slash(keeper: Server) -> None:
    add(keeper, "Tee/top")
    picture, other = new_picture(), new_picture()
    first, second = keep(keeper, picture, "Tee/top"), keep(keeper, other, "Tee/top")
    third = send(keeper, picture, "T-shirt/top").json()
    assert third["state"] == "conflict"

    merged = changed(keeper, "PATCH", "Tee/top", merge_into="T-shirt/top")

    assert row(keeper, first)["state"] == "new"
    assert [row(keeper, it)["label"] for it in (first, second)] == ["T-shirt/top"] * 2
    assert keeper.call("GET", f"/corrections/{third['id']}/image").status_code == 404
    assert listed(keeper)["T-shirt/top"]["aliases"] == ["Tee/top"]
    undo(keeper, merged)
    states = [(row(keeper, it)["label"], row(keeper, it)["state"]) for it in (first, third["id"])]
    assert states == [("Tee/top", "conflict"), ("T-shirt/top", "conflict")]
    assert keeper.post("/classes/undo", json={"change": merged}).status_code == 409


def test_a_project_without_a_model_takes_corrections_of_any_class(empty_trainer: Server) -> None:
    add(empty_trainer, "Teapot")
    number = keep(empty_trainer, new_picture(), "Teapot")
    changed_row = empty_trainer.call("PATCH", f"/corrections/{number}", json={"label": "Bag"})
    assert changed_row.json()["label"] == "Bag"
    assert listed(empty_trainer)["Teapot"]["versions"] == []


def test_a_version_that_is_promoted_brings_its_classes_along(
    make_home: MakeHome, home: Home
) -> None:
    own = make_home()
    own.take_models_of(home)
    [description] = own.path.glob("models/fashion_mnist_model/*/model.yaml")
    text = description.read_text()
    description.write_text(text.replace("  - Bag\n", "  - Hat\n"))
    trainer = own.serve("trainer")
    tag = (own.path / "champion").read_text().strip()
    (own.path / "champion").unlink()
    assert "Hat" not in listed(trainer)
    kept = send(trainer, new_picture(), "Bag", predicted="Hat")  # it may be served already
    assert kept.status_code == 201

    promoted = trainer.post(f"/models/{tag}/promote", json={})

    assert promoted.status_code == 202, promoted.text
    hat = listed(trainer)["Hat"]
    assert (hat["origin"], hat["versions"]) == ("own", [tag])
    assert listed(trainer)["Bag"]["versions"] == []
    deleted = changed(trainer, "DELETE", "Hat")
    trainer.post(f"/models/{tag}/promote", json={})
    assert "Hat" not in listed(trainer)
    undo(trainer, deleted)
    changed(trainer, "PATCH", "Hat", name="Cap")
    assert listed(trainer)["Cap"]["versions"] == [tag]
    refused = trainer.post("/classes", json={"name": "Hat"})
    assert refused.status_code == 409
    assert "know 'Cap' as 'Hat'" in refused.json()["error"]
    trainer.stop()


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("", 400, "at least one letter"),
        ("x" * 41, 400, "41 characters"),
        ("x" * 201, 400, "at most 200 characters"),
        ("Hat\u202e", 400, "U+202E"),
        ("<b>Hat</b>", 400, "'<'"),
        ("H\u0430t", 400, "Cyrillic and Latin"),
        ("Bag", 409, "is a class already"),
        ("bag", 409, "looks like 'Bag'"),
        ("\u0421\u043e\u0430\u0442", 409, "looks like 'Coat'"),
        (7, 400, "'name' should be a text"),
    ],
)
def test_names_that_are_not_possible(
    keeper: Server, name: str | int, status: int, words: str
) -> None:
    before = listed(keeper)
    answer = keeper.post("/classes", json={"name": name})
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    assert listed(keeper) == before


@pytest.mark.parametrize(
    ("method", "name", "body", "status", "words"),
    [
        ("PATCH", "Bag", {"name": "Purse"}, 409, "built in"),
        ("PATCH", "T-shirt/top", {"merge_into": "Shirt"}, 409, "built in"),
        ("DELETE", "T-shirt/top", None, 409, "built in"),
        ("PATCH", "Cape", {"name": "Robe"}, 404, "no class 'Cape'"),
        ("PATCH", "Cape", {}, 400, '{"name": "Cap"}'),
        ("PATCH", "Cape", {"name": "A", "merge_into": "B"}, 400, '{"name": "Cap"}'),
        ("DELETE", "Cape/of/good hope", None, 404, "no class 'Cape/of/good hope'"),
        ("DELETE", "x" * 201, None, 404, "nothing with the name"),
    ],
)
def test_changes_that_are_not_possible(
    keeper: Server, method: str, name: str, body: Any, status: int, words: str
) -> None:
    answer = keeper.call(method, f"/classes/{quote(name, safe='')}", json=body)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [({"change": 987_654}, 404), ({"change": "1"}, 400), ({"change": -1}, 400), ({}, 400)],
)
def test_undoing_what_was_not_done(keeper: Server, body: Any, status: int) -> None:
    answer = keeper.post("/classes/undo", json=body)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")
