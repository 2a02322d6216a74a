"""What is exported is imported as it was, whatever its texts begin with."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.support.archives import counts, imported, png, zipped
from tests.support.corrections_store import kept, picture, request
from training.store import classes, corrections, corrections_archive
from training.store.corrections_archive import cells

pytestmark = pytest.mark.usefixtures("empty_home")

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''+1", "'plain'", "Zürich, 日本"]


def exported() -> bytes:
    return b"".join(corrections_archive.export_archive())


def table_of(archive: bytes) -> list[dict[str, str]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return list(csv.DictReader(io.StringIO(files.read("corrections.csv").decode("utf-8-sig"))))


def a_mixed_store() -> list[corrections.Correction]:
    kept(1, predicted="Shirt", model="fashion_mnist_model:abc", source="pad")
    corrections.accept(kept(2).id)
    corrections.quarantine({kept(3).id: 'It looks like "Shirt",\nsay the neighbours.'})
    kept(4)
    kept(4, "Shirt")
    corrections.delete(kept(5).id)
    kept(6)
    for number, reason in enumerate(FORMULAS, start=10):
        corrections.quarantine({kept(number).id: reason})
    return corrections.page()


def test_an_archive_holds_pictures_and_a_table() -> None:
    rows = a_mixed_store()
    archive = exported()
    table = table_of(archive)
    assert [line["state"] for line in table[:6]] == [
        "new",
        "accepted",
        "quarantined",
        "conflict",
        "conflict",
        "new",
    ]
    assert len(table) == len(rows)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert files.testzip() is None
        for line in table:
            image = Image.open(files.open(line["file"]))
            assert (image.mode, image.size) == ("L", (28, 28))
            assert (np.asarray(image) == corrections.get(int(line["id"])).pixels).all()


def test_no_cell_is_a_formula_and_excel_knows_the_encoding() -> None:
    a_mixed_store()
    archive = exported()
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert files.read("corrections.csv").startswith(b"\xef\xbb\xbffile,")
    found = [cell for line in table_of(archive) for cell in line.values()]
    assert not [cell for cell in found if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=1+1" in found


def test_an_archive_imported_elsewhere_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = a_mixed_store()
    archive = exported()
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path / "elsewhere"))
    assert counts(imported(archive)) == (len(rows), 0, 0)
    assert corrections.page() == rows
    assert counts(imported(archive)) == (0, len(rows), 0)
    assert exported() == archive


@given(st.text())
def test_every_text_passes_a_cell_unchanged(text: str) -> None:
    cell = cells.protect(text)
    assert isinstance(cell, str)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cells.unprotect(cell) == text


def test_what_was_deleted_comes_back_as_it_was() -> None:
    rows = a_mixed_store()
    archive = exported()
    for row in rows[::2]:
        corrections.delete(row.id)
    assert counts(imported(archive)) == (8, 7, 0)
    assert corrections.page() == rows


def test_an_id_that_another_one_has_stays_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(1)
    archive = exported()
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path / "elsewhere"))
    mine = kept(2)
    assert counts(imported(archive)) == (1, 0, 0)
    assert corrections.get(mine.id) == mine
    assert len(corrections.page()) == 2


def test_an_empty_store_is_exported_and_imported() -> None:
    assert counts(imported(exported())) == (0, 0, 0)


def test_more_than_a_batch_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = ["file,label", *(f"{number}.png,Bag" for number in range(1_100)), "7.png,Bag"]
    pictures = {f"{number}.png": png(picture(number)) for number in range(1_100)}
    archive = zipped({**pictures, "corrections.csv": "\n".join(table)})
    assert counts(imported(archive)) == (1_100, 1, 0)
    assert corrections.counts()["new"] == 1_100


def test_review_requests_are_archived_and_give_way_to_labels() -> None:
    request(1)
    request(2)
    archive = exported()
    for requested in corrections.page():
        corrections.delete(requested.id)
    named = kept(1, "Shirt")
    assert counts(imported(archive)) == (1, 1, 0)
    assert corrections.counts()["review_requested"] == 1
    assert corrections.get(named.id).state == "new"


def test_own_classes_go_along_to_another_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes.create("Hat")
    classes.create("Glove")
    classes.create("帽子")
    kept(1, "Hat", predicted="Glove")
    kept(2, "帽子")
    classes.rename("Hat", "Cap")
    classes.delete("Glove")
    archive = exported()

    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path / "elsewhere"))
    report = imported(archive)

    assert (counts(report), report.classes) == ((2, 0, 0), ["Cap", "帽子"])
    assert {(it.label, it.predicted) for it in corrections.page()} == {
        ("Cap", "Glove"),
        ("帽子", None),
    }
    assert classes.resolve("Hat") == "Cap"
    assert classes.resolve("Glove") is None
    assert exported() != archive  # a deleted class does not go further
    again = imported(archive)
    assert (counts(again), again.classes) == ((0, 2, 0), [])


def test_classes_for_which_there_is_no_room_are_refused_with_their_rows() -> None:
    for number in range(classes.MAX_CLASSES - len(classes.BUILT_IN)):
        classes.create(f"Kind {number}x")
    archive = zipped(
        {
            "a.png": png(picture(1)),
            "corrections.csv": "file,label\na.png,Hat\na.png,Bag\na.png,kind 3X\n",
            "classes.csv": "name;class\nHat;Hat\nkind 3x;kind 3x\n<b>;<b>\nKap;Hat\n;\n"
            "<i>;Bag\nPurse;Bag\nShirt;Bag\n",
        }
    )

    report = imported(archive)

    assert (counts(report), report.classes) == ((2, 0, 1), [])
    assert "There are 50 classes" in report.problems[0].reason
    assert {it.label for it in corrections.page()} == {"Bag", "Kind 3x"}
    former = {it.name: it.aliases for it in classes.listed() if it.aliases}
    assert former == {"Bag": ("Purse",)}
