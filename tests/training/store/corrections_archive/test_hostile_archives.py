"""Whatever an archive says about itself, memory, time and the store stay within bounds."""

import csv
import io
import random
import time
import tracemalloc
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from tests.support.archives import (
    counts,
    declared_smaller,
    decode,
    imported,
    mutated,
    png,
    with_rows,
    with_table,
    zipped,
)
from tests.support.corrections_store import kept, picture
from training.model.preprocess import Grey
from training.store import corrections, corrections_archive
from training.store.corrections import CorrectionError
from training.store.corrections_archive import members

pytestmark = pytest.mark.usefixtures("empty_home")

GOOD = {"a.png": png(picture(1))}


def with_file(content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive whose table names a file with this content."""
    return zipped({"b.png": content, "corrections.csv": "file,label\nb.png,Bag\n"}, compression)


def encrypted(archive: bytes) -> bytes:
    """An archive whose entries say that they need a password."""
    flagged = bytearray(archive)
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = archive.find(signature)
        while at >= 0:
            flagged[at + offset] |= 1
            at = archive.find(signature, at + 1)
    return bytes(flagged)


BAD_ARCHIVES = {
    "nothing": (b"", "not a readable zip archive"),
    "no zip": (b"hello", "not a readable zip archive"),
    "cut off": (with_rows("a.png,Bag")[:-30], "not a readable zip archive"),
    "no table": (zipped(GOOD), "no corrections.csv"),
    "a table of macOS only": (zipped({"__MACOSX/corrections.csv": "x"}), "no corrections.csv"),
    "two tables": (
        zipped({"a/corrections.csv": "x", "b/corrections.csv": "y"}),
        "several tables: 'a/corrections.csv', 'b/corrections.csv'",
    ),
    "no column": (with_rows("a.png", head="file"), "no column 'label'"),
    "an empty table": (with_table(b""), "no column 'file'"),
    "a picture as the table": (with_table(png(picture(1))), "no column 'file'"),
    "a table like a bomb": (zipped({"corrections.csv": b"x" * 60_000_000}), "larger than 32 MB"),
    "a password": (encrypted(with_rows("a.png,Bag")), "needs a password"),
    "a table packed by bzip2": (
        zipped({"corrections.csv": "file,label\n"}, zipfile.ZIP_BZIP2),
        "Zip it as usual",
    ),
    "a damaged table": (
        zipped({"corrections.csv": "file,label\n"}, zipfile.ZIP_STORED).replace(
            b"file,label", b"file,labex", 1
        ),
        "'corrections.csv' is damaged",
    ),
}


@pytest.mark.parametrize("name", BAD_ARCHIVES)
def test_an_archive_without_a_table_is_refused_with_the_reason(name: str) -> None:
    archive, words = BAD_ARCHIVES[name]
    before = kept(9)
    with pytest.raises(CorrectionError) as refused:
        imported(archive)
    assert words in str(refused.value)
    assert corrections.page() == [before]


BAD_ROWS = {
    "unknown label": (with_rows("a.png,Hat"), "'label' is not a known class"),
    "no label": (with_rows("a.png,"), "'label' is missing"),
    "no cell for the label": (with_rows("a.png"), "'label' is missing"),
    "no name of a file": (with_rows(",Bag"), "'file' is missing"),
    "no file": (with_rows("c.png,Bag"), "The archive has no file 'c.png'"),
    "a folder": (with_table("file,label\nx/,Bag", **{"x/": b""}), "The archive has no file"),
    "outside": (with_rows("../../etc/passwd,Bag"), "The archive has no file"),
    "no picture": (with_file(b"hello"), "not a picture that can be read"),
    "a damaged picture": (with_file(png(picture(1))[:-60]), "not a picture that can be read"),
    "a bomb": (with_file(bytes(100_000_000)), "larger than 10 MB"),
    "a state": (with_rows("a.png,Bag,good", head="file,label,state"), "'state' is one of new"),
    "an id": (with_rows("a.png,Bag,-1", head="file,label,id"), "'id' is a whole number"),
    "half an id": (with_rows("a.png,Bag,1.5", head="file,label,id"), "'id' is a whole number"),
    "a huge id": (with_rows(f"a.png,Bag,{'9' * 30}", head="file,label,id"), "'id' is a whole"),
    "a time": (with_rows("a.png,Bag,soon", head="file,label,created_at"), "'created_at' is a"),
    "a source": (with_rows("a.png,Bag,A B", head="file,label,source"), "'source'"),
    "a NUL": (with_rows("a.png,Bag,a\0b", head="file,label,reason"), "control character (U+0000)"),
    "an escape": (with_rows("a.png,Bag,\x1b[2J", head="file,label,reason"), "(U+001B)"),
    "half a character": (
        with_table(b"file,label,reason\na.png,Bag,\xed\xa0\x80"),
        "not UTF-8",
    ),
    "a long reason": (with_rows(f"a.png,Bag,{'x' * 1001}", head="file,label,reason"), "1,000"),
    "a long label": (with_rows(f"a.png,{'x' * 100_000}"), "'label' is longer than 200"),
    "a huge cell": (with_rows(f"a.png,{'x' * 200_000}"), "field larger than"),
    "an open quote": (
        with_table(b'file,label\na.png,"Bag\n' + b"x\n" * 30_000),
        "'label' is longer",
    ),
    "bzip2": (
        zipped({"b.png": GOOD["a.png"]}, zipfile.ZIP_BZIP2),
        "compressed in a way that is not read here",
    ),
}


def with_member(packed: bytes) -> bytes:
    """An archive with its table in front of the one member of another archive."""
    with zipfile.ZipFile(io.BytesIO(packed)) as other, io.BytesIO() as file:
        [info] = other.infolist()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("corrections.csv", f"file,label\n{info.filename},Bag\n")
            archive.writestr(info, other.read(info), info.compress_type)
        return file.getvalue()


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_row_is_refused_with_its_number_and_the_reason(name: str) -> None:
    archive, words = BAD_ROWS[name]
    report = imported(with_member(archive) if name == "bzip2" else archive)
    assert counts(report) == (0, 0, 1)
    assert report.problems[0].row == 2
    assert words in report.problems[0].reason
    assert corrections.page() == []


def peak_megabytes(work: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_a_size_that_is_declared_is_not_believed(compression: int) -> None:
    zeros = 40_000_000
    packed = zipped({"b.png": bytes(zeros)}, compression)
    archive = declared_smaller(with_member(packed), zeros, 500)
    reports: list[corrections_archive.ImportReport] = []
    assert peak_megabytes(lambda: reports.append(imported(archive))) < 30
    assert counts(reports[0]) == (0, 0, 1)


def test_a_file_that_many_rows_name_is_decoded_once() -> None:
    padded = png(picture(1), "RGB") + bytes(9_000_000)
    rows = "b.png,Bag\nb.png,Shirt\nb.png,Hat\n" * 1_000
    calls = []

    def counted(data: bytes) -> Grey:
        calls.append(len(data))
        return decode(data)

    archive = zipped({"b.png": padded, "corrections.csv": f"file,label\n{rows}"})
    report = corrections_archive.import_archive(archive, counted)
    assert calls == [len(padded)]
    assert counts(report) == (2, 1_998, 1_000)


def test_refused_rows_are_all_counted_and_a_hundred_listed() -> None:
    report = imported(with_rows(*["c.png,Bag"] * 250))
    assert (report.refused, len(report.problems)) == (250, 100)


def test_after_its_time_an_import_refuses_the_rest() -> None:
    def slow(data: bytes) -> Grey:
        time.sleep(0.05)
        return decode(data)

    pictures: dict[str, bytes | str] = {
        f"{number}.png": png(picture(number), "RGB") for number in range(60)
    }
    table = "file,label\n" + "".join(f"{name},Bag\n" for name in pictures)
    archive = zipped({**pictures, "corrections.csv": table})
    report = corrections_archive.import_archive(archive, slow, max_seconds=1)
    assert 0 < report.added < 30
    assert report.added + report.refused == 60
    assert report.problems[0].row == report.added + 2
    assert "after 1 seconds" in report.problems[0].reason
    assert corrections.counts()["new"] == report.added


def test_rows_and_files_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.store.corrections_archive.importing.MAX_ROWS", 2)
    report = imported(with_rows("a.png,Bag", "b.png,Bag", "a.png,Shirt", "b.png,Shirt"))
    assert counts(report) == (2, 0, 2)
    assert "An import takes 2 rows" in report.problems[0].reason
    monkeypatch.setattr(members, "MAX_FILES", 2)
    with pytest.raises(CorrectionError, match="more than 2 files"):
        imported(with_rows("a.png,Bag"))
    monkeypatch.undo()


def test_a_million_entries_are_counted_before_they_are_read() -> None:
    entry = zipped({"a": b""})
    directory = entry[entry.find(b"PK\x01\x02") : entry.find(b"PK\x05\x06")]
    hostile = entry + directory * 1_000_000
    began = time.monotonic()
    with pytest.raises(CorrectionError, match="more than 210,000 files"):
        imported(hostile)
    assert time.monotonic() - began < 2


SEEDS = [
    (f"{'table' if stored else 'picture'}, packed by {compression}", stored, compression)
    for stored in (False, True)
    for compression in (
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_BZIP2,
        zipfile.ZIP_LZMA,
    )
]


@pytest.mark.parametrize(("name", "of_table", "compression"), SEEDS)
def test_a_damaged_archive_is_refused_or_read(name: str, of_table: bool, compression: int) -> None:
    """Whatever is damaged, nothing else than CorrectionError is raised."""
    del name
    table = io.StringIO()
    csv.writer(table).writerows(
        [
            ["file", "id", "label", "created_at", "reason"],
            ["a.png", 1, "Bag", "2026-11-24T08:00:00Z", "gr\xfcn"],
            ["b.png", 2, "Shirt", "", "=1+1"],
        ]
    )
    picture_file = png(picture(1))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        kind = compression if of_table else zipfile.ZIP_DEFLATED
        archive.writestr("corrections.csv", table.getvalue(), kind)
        kind = zipfile.ZIP_DEFLATED if of_table else compression
        archive.writestr("a.png", picture_file, kind)
        archive.writestr("b.png", png(np.zeros((40, 40), np.uint8), "RGB"), kind)
    chance = random.Random(7)
    for _ in range(60):
        damaged = mutated(file.getvalue(), chance)
        try:
            report = imported(damaged)
        except CorrectionError as error:
            str(error).encode()
        else:
            for problem in report.problems:
                problem.reason.encode()
