"""What the page asks of the trainer about corrections, against a live one."""

import io
import secrets
import zipfile
from typing import Any

import pytest
from PIL import Image

from app.clients import corrections
from app.clients.corrections import Correction, Kept
from app.clients.http import BadAnswer, Refused
from tests.support.scripted_server import ScriptedServer, json_answer

TAG = "fashion_mnist_model:abc"


@pytest.fixture(autouse=True)
def live(trainer_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINER_URL", trainer_url)


def a_picture() -> bytes:
    """A grey PNG that nobody has sent."""
    png = io.BytesIO()
    Image.frombytes("L", (28, 28), secrets.token_bytes(784)).save(png, "PNG")
    return png.getvalue()


def kept(picture: bytes, label: str = "Bag") -> Kept:
    return corrections.submit(
        picture, "image/png", label=label, predicted="Shirt", model=TAG, source="pad"
    )


def row(correction_id: int) -> Correction:
    [found] = corrections.page(after=correction_id + 1, limit=1).corrections
    assert found.id == correction_id
    return found


def test_kept_once_and_shown() -> None:
    picture = a_picture()
    first = kept(picture)
    assert (first.state, first.new) == ("new", True)
    assert kept(picture) == Kept(first.id, "new", new=False)
    found = row(first.id)
    assert (found.label, found.predicted, found.model, found.source) == ("Bag", "Shirt", TAG, "pad")
    pixels = [Image.open(io.BytesIO(png)).tobytes() for png in (picture, found.png)]
    assert pixels[0] == pixels[1]
    assert kept(picture, "Coat").state == "conflict"


def test_a_deleted_one_is_restored_as_it_was() -> None:
    number = kept(a_picture()).id
    corrections.relabel(number, "Coat")
    accepted = corrections.accept(number)
    assert (accepted.label, accepted.state) == ("Coat", "accepted")
    corrections.delete(number)
    with pytest.raises(Refused, match=f"no correction {number}"):
        corrections.delete(number)
    corrections.restore(accepted)
    assert row(number) == accepted


def test_pages_and_filters(some_corrections: list[int]) -> None:
    newest = corrections.page(limit=2)
    assert [one.id for one in newest.corrections] == some_corrections[:-3:-1]
    older = corrections.page(limit=2, after=newest.next or 0)
    assert [one.id for one in older.corrections] == some_corrections[-3:-5:-1]
    aside = corrections.page(state="quarantined", limit=1).corrections[0]
    assert (aside.id, aside.reason) == (some_corrections[2], "It looks like Shirt.")
    assert all(count > 0 for count in newest.counts.values())


def test_exported_and_taken_back(some_corrections: list[int]) -> None:
    archive = corrections.export()
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert f"pictures/{some_corrections[0]}.png" in files.namelist()
    corrections.delete(some_corrections[0])
    added, known = corrections.import_archive(archive)
    assert (added, known > 3) == (1, True)
    with pytest.raises(Refused, match="no zip archive"):
        corrections.import_archive(b"hello")


@pytest.mark.parametrize(
    "raw", [None, [], {}, {"corrections": [{}]}, {"corrections": [], "next": 3, "counts": {}}]
)
def test_an_answer_of_another_shape_is_no_crash(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, raw: Any
) -> None:
    monkeypatch.setenv("TRAINER_URL", scripted.url)
    scripted.answer = lambda _: json_answer(raw)
    with pytest.raises(BadAnswer):
        corrections.page(limit=1)
    with pytest.raises(BadAnswer):
        corrections.accept(1)
