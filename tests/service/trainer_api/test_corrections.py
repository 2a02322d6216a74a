"""Corrections over HTTP: kept, shown, changed, moved; refused with a sentence; never lost."""

import base64
import csv
import io
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.pictures import header_bomb
from tests.support.processes import Server
from tests.support.services.correction_calls import call, keep, new_picture, row, send
from training.model import preprocess
from training.store import corrections

CONTENT = {"Content-Type": "application/zip"}


def test_what_is_kept_is_what_the_network_saw(keeper: Server) -> None:
    drawn = new_picture(224)
    number = keep(
        keeper, drawn, "Bag", predicted="Shirt", model="fashion_mnist_model:abc", source="pad"
    )
    found = row(keeper, number)
    assert (found["label"], found["predicted"], found["source"]) == ("Bag", "Shirt", "pad")
    assert (found["model"], found["state"], found["reason"]) == (
        "fashion_mnist_model:abc",
        "new",
        None,
    )
    answer = call(keeper, "GET", f"/corrections/{number}/image")
    assert answer.headers["content-type"] == "image/png"
    assert base64.b64decode(found["png"]) == answer.content
    image = Image.open(io.BytesIO(answer.content))
    seen = preprocess.preprocess(Image.open(io.BytesIO(drawn)))
    assert (np.asarray(image) == seen).all()
    hash_ = corrections.content_hash(seen.tobytes())
    assert found["content_hash"] == hash_
    assert found["held_out"] == (int(hash_[:8], 16) % 5 == 0)


def test_said_twice_is_kept_once(keeper: Server) -> None:
    picture = new_picture()
    number = keep(keeper, picture)
    again = send(keeper, picture)
    assert (again.status_code, again.json()) == (200, {"id": number, "state": "new"})


def test_two_labels_contradict_until_one_goes(keeper: Server) -> None:
    picture = new_picture()
    bag = keep(keeper, picture)
    answer = send(keeper, picture, "Shirt")
    assert answer.status_code == 201
    shirt = answer.json()["id"]
    assert answer.json() == {"id": shirt, "state": "conflict"}
    listed = keeper.get("/corrections?state=conflict")["corrections"]
    assert [it["id"] for it in listed] == [shirt, bag]
    accepted = call(keeper, "PATCH", f"/corrections/{bag}", json={"state": "accepted"})
    assert accepted.status_code == 409
    assert "also labelled Shirt" in accepted.json()["error"]
    assert call(keeper, "DELETE", f"/corrections/{shirt}").status_code == 204
    assert row(keeper, bag)["state"] == "new"


def test_relabelled_accepted_deleted(keeper: Server) -> None:
    number = keep(keeper, new_picture())
    answer = call(keeper, "PATCH", f"/corrections/{number}", json={"label": "Coat"})
    assert (answer.status_code, answer.json()["label"]) == (200, "Coat")
    answer = call(keeper, "PATCH", f"/corrections/{number}", json={"state": "accepted"})
    assert (answer.status_code, answer.json()["state"]) == (200, "accepted")
    assert answer.json() == row(keeper, number)
    gone = call(keeper, "DELETE", f"/corrections/{number}")
    assert (gone.status_code, gone.content) == (204, b"")
    for method, path in (("DELETE", ""), ("GET", "/image")):
        answer = call(keeper, method, f"/corrections/{number}{path}")
        assert answer.status_code == 404
        assert f"no correction {number}" in answer.json()["error"]


def test_every_row_is_on_one_page(keeper: Server) -> None:
    numbers = [keep(keeper, new_picture(), ("Sandal", "Sneaker")[it % 2]) for it in range(5)]
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = keeper.get(f"/corrections?after={after}&limit=2")
        seen += [it["id"] for it in page["corrections"]]
        after = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert seen[:5] == numbers[::-1]
    assert len(seen) == sum(page["counts"].values())
    filtered = keeper.get("/corrections?label=Sandal&state=new")
    assert [it["id"] for it in filtered["corrections"]] == numbers[4::-2]
    assert filtered["counts"]["new"] == 3
    assert filtered["next"] is None


def test_exported_and_taken_back(keeper: Server) -> None:
    number = keep(keeper, new_picture(), "T-shirt/top", source="upload")
    before = row(keeper, number)
    answer = call(keeper, "GET", "/corrections/export")
    assert answer.headers["content-type"] == "application/zip"
    assert 'filename="corrections.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        table = list(
            csv.DictReader(io.StringIO(archive.read("corrections.csv").decode("utf-8-sig")))
        )
    assert table[-1]["label"] == "T-shirt/top"
    call(keeper, "DELETE", f"/corrections/{number}")
    back = keeper.post("/corrections/import", data=answer.content, headers=CONTENT)
    assert back.status_code == 200
    counts = {"added": 1, "known": len(table) - 1, "refused": 0, "problems": [], "classes": []}
    assert back.json() == counts
    assert row(keeper, number) == before
    again = keeper.post("/corrections/import", files={"archive": answer.content})
    assert again.json() == counts | {"added": 0, "known": len(table)}


GOOD = new_picture()
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no form": ({"data": GOOD, "headers": {"Content-Type": "image/png"}}, 415, "multipart"),
    "no picture": ({"files": {"label": (None, "Bag")}}, 400, "'image'"),
    "no label": ({"files": {"image": GOOD}}, 400, "'label' is missing"),
    "an empty label": ({"files": {"image": GOOD}, "data": {"label": ""}}, 400, "is missing"),
    "another class": ({"files": {"image": GOOD}, "data": {"label": "Hat"}}, 400, "Known classes"),
    "predicted what": (
        {"files": {"image": GOOD}, "data": {"label": "Bag", "predicted": "Hat"}},
        400,
        "'predicted'",
    ),
    "model": (
        {"files": {"image": GOOD}, "data": {"label": "Bag", "model": "../champion"}},
        400,
        "'model'",
    ),
    "source": (
        {"files": {"image": GOOD}, "data": {"label": "Bag", "source": "=1+1"}},
        400,
        "'source'",
    ),
    "a field more": (
        {"files": {"image": GOOD}, "data": {"label": "Bag", "colour": "red"}},
        400,
        "no field 'colour'",
    ),
    "text": ({"files": {"image": b"hello"}, "data": {"label": "Bag"}}, 400, "not a picture"),
    "cut off": ({"files": {"image": GOOD[:-60]}, "data": {"label": "Bag"}}, 400, "damaged"),
    "a bomb": ({"files": {"image": header_bomb()}, "data": {"label": "Bag"}}, 413, "million"),
    "11 MB": ({"files": {"image": bytes(11_000_000)}, "data": {"label": "Bag"}}, 413, "MB"),
    "two": ({"files": [("image", GOOD)] * 2, "data": {"label": "Bag"}}, 413, "at most 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_not_kept(keeper: Server, name: str) -> None:
    request, status, words = REFUSED[name]
    before = keeper.get("/corrections")["counts"]
    answer = keeper.post("/corrections", **request)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    assert keeper.get("/corrections")["counts"] == before


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("state=good", "'new', 'accepted', 'conflict', 'quarantined'"),
        ("after=last", "'after'"),
        ("after=-1", "'after'"),
        (f"after={'9' * 30}", "'after'"),
        ("limit=0", "'limit' should be at least 1"),
        ("limit=501", "'limit' should be at most 500"),
    ],
)
def test_pages_that_are_none(keeper: Server, query: str, words: str) -> None:
    answer = call(keeper, "GET", f"/corrections?{query}")
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"state": "new"}',
        b'{"label": "Hat"}',
        b'{"label": 8}',
        b'{"label": "Bag", "state": "accepted"}',
    ],
)
def test_changes_that_are_none(keeper: Server, body: bytes) -> None:
    number = keep(keeper, new_picture())
    answer = call(keeper, "PATCH", f"/corrections/{number}", data=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert row(keeper, number)["state"] == "new"


@pytest.mark.parametrize("number", ["x", "0", "999999", "9" * 40, "%2e%2e", "1.5"])
def test_unknown_corrections(keeper: Server, number: str) -> None:
    for method, path, body in (
        ("GET", "/image", None),
        ("PATCH", "", {"label": "Bag"}),
        ("DELETE", "", None),
    ):
        answer = call(keeper, method, f"/corrections/{number}{path}", json=body)
        assert answer.status_code == 404, (method, answer.text)
        assert answer.json()["error"]


def test_a_bad_archive_is_refused_and_a_huge_one_is_not_read(keeper: Server) -> None:
    before = keeper.get("/corrections")["counts"]
    answer = keeper.post("/corrections/import", data=b"hello", headers=CONTENT)
    assert answer.status_code == 400
    assert "not a readable zip archive" in answer.json()["error"]
    answer = keeper.post("/corrections/import", data=bytes(100_000_001), headers=CONTENT)
    assert answer.status_code == 413
    answer = keeper.post("/corrections/import", files={"a": (None, "b")})
    assert "'archive'" in answer.json()["error"]
    assert keeper.get("/corrections")["counts"] == before
