"""The client for corrections, against a live trainer."""

import io
import secrets
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from app.clients import corrections
from app.clients.corrections import Correction, SavedCorrection
from app.clients.http import InvalidResponse, RequestRejected
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


def submit(picture: bytes, label: str = "Bag") -> SavedCorrection:
    return corrections.submit(
        picture, "image/png", label=label, predicted="Shirt", model=TAG, source="pad"
    )


def row(correction_id: int) -> Correction:
    [found] = corrections.page(after=correction_id + 1, limit=1).corrections
    assert found.id == correction_id
    return found


def test_saved_once_and_shown() -> None:
    picture = a_picture()
    first = submit(picture)
    assert (first.state, first.new) == ("new", True)
    assert submit(picture) == SavedCorrection(id=first.id, state="new", new=False)
    found = row(first.id)
    assert (found.label, found.predicted, found.model, found.source) == ("Bag", "Shirt", TAG, "pad")
    pixels = [Image.open(io.BytesIO(png)).tobytes() for png in (picture, found.png)]
    assert pixels[0] == pixels[1]
    assert submit(picture, "Coat").state == "conflict"


def test_a_deleted_one_is_restored_as_it_was() -> None:
    number = submit(a_picture()).id
    corrections.relabel(number, "Coat")
    accepted = corrections.accept(number)
    assert (accepted.label, accepted.state) == ("Coat", "accepted")
    corrections.delete(number)
    with pytest.raises(RequestRejected, match=f"no correction {number}"):
        corrections.delete(number)
    corrections.restore(accepted)
    assert row(number) == accepted


def test_pages_and_filters(some_corrections: list[int]) -> None:
    newest = corrections.page(limit=2)
    assert [one.id for one in newest.corrections] == some_corrections[:-3:-1]
    older = corrections.page(limit=2, after=newest.next or 0)
    assert [one.id for one in older.corrections] == some_corrections[-3:-5:-1]
    quarantined = corrections.page(state="quarantined", limit=1).corrections[0]
    assert (quarantined.id, quarantined.reason) == (some_corrections[2], "It looks like Shirt.")
    assert all(count > 0 for count in newest.counts.values())


def test_exported_and_imported(some_corrections: list[int]) -> None:
    archive = corrections.export()
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert f"pictures/{some_corrections[0]}.png" in files.namelist()
    corrections.delete(some_corrections[0])
    report = corrections.import_archive(archive)
    assert (report.added, report.known > 3, report.refused) == (1, True, 0)
    with pytest.raises(RequestRejected, match="not a readable zip archive"):
        corrections.import_archive(b"hello")


ROW = {
    "id": 1,
    "label": "Bag",
    "predicted": None,
    "model": None,
    "source": "pad",
    "created_at": "2026-01-03T03:04:05+00:00",
    "state": "new",
    "reason": None,
    "held_out": False,
    "png": "iVBORw==",
}
COUNTS = {"new": 1, "accepted": 2, "conflict": 4, "quarantined": 8, "review_requested": 16}


@pytest.fixture
def stand_in(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setenv("TRAINER_URL", scripted.url)
    return scripted


def test_counts_by_state_tell_usable_from_doubtful_corrections(stand_in: ScriptedServer) -> None:
    counts = {**COUNTS, "a_later_state": 32}
    stand_in.answer = lambda _: json_answer(
        {"corrections": [ROW], "next": None, "counts": counts, "a_later_field": 1}
    )
    page = corrections.page(limit=1)
    assert (page.usable, page.doubtful) == (3, 28)
    assert page.corrections[0].png == b"\x89PNG"


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"corrections": [{}]},
        {"corrections": [], "next": 3, "counts": {}},
        {"corrections": [{**ROW, "png": "not base64!"}], "next": None, "counts": COUNTS},
        {"corrections": [{**ROW, "created_at": "yesterday"}], "next": None, "counts": COUNTS},
        {"corrections": [ROW], "next": None, "counts": {**COUNTS, "new": "many"}},
    ],
)
def test_an_answer_of_another_shape_is_an_error_with_a_message(
    stand_in: ScriptedServer, raw: Any
) -> None:
    stand_in.answer = lambda _: json_answer(raw)
    calls: list[Callable[[], object]] = [
        lambda: corrections.page(limit=1),
        lambda: corrections.accept(1),
        lambda: corrections.import_archive(b""),
        lambda: submit(b""),
    ]
    for call in calls:
        with pytest.raises(InvalidResponse, match=r"does not understand.*another program"):
            call()
