"""The client for classes, against a live trainer."""

import io
import secrets
from collections.abc import Iterator

import pytest
from PIL import Image

from app.clients import classes, corrections
from app.clients.classes import ListedClass
from app.clients.http import InvalidResponse, RequestRejected
from tests.support.processes import Server
from tests.support.scripted_server import ScriptedServer, json_answer


@pytest.fixture(autouse=True)
def live(trainer_url: str, trainer: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The session's trainer, which has no own classes afterwards."""
    monkeypatch.setenv("TRAINER_URL", trainer_url)
    yield
    for one in trainer.get("/classes")["classes"]:
        if one["origin"] == "own":
            trainer.call("DELETE", f"/classes/{one['name']}")


def own() -> dict[str, ListedClass]:
    return {one.name: one for one in classes.fetch().classes if one.is_own}


def correct(label: str) -> int:
    """Save a picture that nobody has sent."""
    png = io.BytesIO()
    Image.frombytes("L", (28, 28), secrets.token_bytes(784)).save(png, "PNG")
    saved = corrections.submit(
        png.getvalue(), "image/png", label=label, predicted="Bag", model="", source="pad"
    )
    return saved.id


@pytest.mark.parametrize("name", ["Hat", "Hat/cap", "Hut & Mütze (2)", "帽子 / Tシャツ", "None"])
def test_a_class_of_any_name_is_added_changed_and_undone(name: str) -> None:
    added = classes.create(f"  {name} ")
    assert (added.name, added.is_own, added.pictures.needed) == (name, True, 10)
    number = correct(name)
    assert own()[name].pictures.usable == 1

    renamed = classes.rename(name, "Headgear/new")
    assert own()["Headgear/new"].aliases == (name,)
    merged = classes.merge("Headgear/new", "T-shirt/top")
    assert "Headgear/new" not in own()
    newest = classes.fetch().changes[0]
    assert newest.id == merged
    assert newest.what == "Headgear/new was merged into T-shirt/top, with 1 correction."
    classes.undo(merged)
    classes.undo(renamed)
    deleted = classes.delete(name)
    assert name not in own()
    classes.undo(deleted)

    [found] = corrections.page(after=number + 1, limit=1).corrections
    assert (found.id, found.label) == (number, name)


def test_what_is_refused_is_a_sentence() -> None:
    with pytest.raises(RequestRejected, match="looks like 'Bag'"):
        classes.create("bag")
    with pytest.raises(RequestRejected, match="built in"):
        classes.delete("T-shirt/top")
    with pytest.raises(RequestRejected, match="no change"):
        classes.undo(10**9)


def test_an_odd_answer_is_no_list_of_classes(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_URL", scripted.url)
    scripted.answer = lambda _: json_answer({"classes": [{"name": "Hat"}], "limit": 50})
    with pytest.raises(InvalidResponse):
        classes.fetch()
