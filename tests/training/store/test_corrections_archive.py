"""Export and import of corrections."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.corrections_store import CLASSES, kept, picture, request
from training.store import corrections, corrections_archive
from training.store.corrections import CorrectionError

pytestmark = pytest.mark.usefixtures("empty_home")


def exported() -> bytes:
    return b"".join(corrections_archive.export_archive())


def imported(archive: bytes) -> tuple[int, int]:
    return corrections_archive.import_archive(io.BytesIO(archive), CLASSES)


def a_mixed_store() -> list[corrections.Correction]:
    kept(1, predicted="Shirt", model="fashion_mnist_model:abc", source="pad")
    corrections.accept(kept(2).id)
    corrections.quarantine({kept(3).id: 'It looks like "Shirt",\nsay the neighbours.'})
    kept(4)
    kept(4, "Shirt")
    corrections.delete(kept(5).id)
    kept(6)
    return corrections.page()


def test_an_archive_holds_pictures_and_a_table() -> None:
    a_mixed_store()
    with zipfile.ZipFile(io.BytesIO(exported())) as archive:
        assert archive.testzip() is None
        table = list(csv.DictReader(io.StringIO(archive.read("corrections.csv").decode())))
        assert [line["state"] for line in table] == [
            "new",
            "accepted",
            "quarantined",
            "conflict",
            "conflict",
            "new",
        ]
        for line in table:
            image = Image.open(archive.open(line["file"]))
            assert (image.mode, image.size) == ("L", (28, 28))
            assert (np.asarray(image) == corrections.get(int(line["id"])).pixels).all()


def test_an_archive_imported_elsewhere_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = a_mixed_store()
    archive = exported()
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path / "elsewhere"))
    assert imported(archive) == (6, 0)
    assert corrections.page() == rows
    assert imported(archive) == (0, 6)
    assert exported() == archive


def test_what_was_deleted_comes_back_as_it_was() -> None:
    rows = a_mixed_store()
    archive = exported()
    for row in rows[::2]:
        corrections.delete(row.id)
    assert imported(archive) == (3, 3)
    assert corrections.page() == rows


def test_an_id_that_another_one_has_stays_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(1)
    archive = exported()
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path / "elsewhere"))
    mine = kept(2)
    assert imported(archive) == (1, 0)
    assert corrections.get(mine.id) == mine
    assert len(corrections.page()) == 2


def test_file_and_label_are_enough() -> None:
    archive = zipped({"a.png": png(picture(1)), "corrections.csv": b"file,label\na.png,Bag\n"})
    assert imported(archive) == (1, 0)
    assert corrections.page()[0].source == "api"


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def png(pixels: Any, mode: str = "L") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "PNG")
    return file.getvalue()


GOOD = {"a.png": png(picture(1))}


def with_lines(*lines: str, head: str = "file,label") -> bytes:
    return zipped({**GOOD, "corrections.csv": "\n".join((head, *lines)).encode()})


def with_file(content: bytes) -> bytes:
    """An archive whose second line names a file with this content."""
    return zipped({**GOOD, "b.png": content, "corrections.csv": b"file,label\nb.png,Bag\n"})


BAD_ARCHIVES = {
    "nothing": (b"", "not a readable zip archive"),
    "no zip": (b"hello", "not a readable zip archive"),
    "cut off": (with_lines("a.png,Bag")[:-30], "not a readable zip archive"),
    "damaged": (with_lines("a.png,Bag").replace(b"IHDR", b"IHDX"), "damaged"),
    "no table": (zipped(GOOD), "no corrections.csv"),
    "no column": (with_lines("a.png", head="file"), "no column 'label'"),
    "not UTF-8": (zipped({**GOOD, "corrections.csv": b"file,label\na.png,\xff"}), "not UTF-8"),
    "unknown label": (with_lines("a.png,Bag", "a.png,Hat"), "line 3: 'label' is not a known class"),
    "no label": (with_lines("a.png,"), "line 2: 'label' is missing"),
    "no file": (with_lines("b.png,Bag"), "line 2: the archive has no file 'b.png'"),
    "too large": (
        with_file(png(np.zeros((29, 28), np.uint8))),
        "it is 28x29, mode L",
    ),
    "colours": (with_file(png(picture(1), "RGB")), "mode RGB"),
    "no picture": (with_file(b"hello"), "cannot be read"),
    "a bomb": (with_file(bytes(100_000_000)), "larger than 10 kB"),
    "a table like a bomb": (zipped({"corrections.csv": b"x" * 60_000_000}), "larger than 50 MB"),
    "a state": (with_lines("a.png,Bag,good", head="file,label,state"), "'state' is one of new"),
    "an id": (with_lines("a.png,Bag,-1", head="file,label,id"), "'id' is a whole number"),
    "a time": (with_lines("a.png,Bag,soon", head="file,label,created_at"), "'created_at'"),
    "a source": (with_lines("a.png,Bag,A B", head="file,label,source"), "'source'"),
}


@pytest.mark.parametrize("name", BAD_ARCHIVES)
def test_a_bad_archive_is_refused_as_a_whole_with_the_reason(name: str) -> None:
    archive, words = BAD_ARCHIVES[name]
    before = kept(9)
    with pytest.raises(CorrectionError) as refused:
        imported(archive)
    assert words in str(refused.value)
    assert corrections.page() == [before]


def test_review_requests_are_archived_and_give_way_to_labels() -> None:
    request(1)
    request(2)
    archive = io.BytesIO(b"".join(corrections_archive.export_archive()))
    for requested in corrections.page():
        corrections.delete(requested.id)
    named = kept(1, "Shirt")
    assert corrections_archive.import_archive(archive, CLASSES) == (1, 1)
    assert corrections.counts()["review_requested"] == 1
    assert corrections.get(named.id).state == "new"
