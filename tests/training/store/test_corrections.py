"""The store of corrections: what is kept, what contradicts, what a run may use, what survives."""

import csv
import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.processes import ROOT
from training.model.preprocess import Grey
from training.store import corrections, corrections_archive
from training.store.corrections import CorrectionError, LabelSubmission

CLASSES = ("T-shirt/top", "Shirt", "Bag")


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def picture(number: int) -> Grey:
    """The same picture for the same number, and no other."""
    return np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)


def kept(number: int, label: str = "Bag", **more: Any) -> corrections.Correction:
    return corrections.add(picture(number), LabelSubmission(label, **more))[0]


def states() -> dict[int, str]:
    return {it.id: it.state for it in corrections.page()}


def test_what_is_kept_comes_back() -> None:
    correction, is_new = corrections.add(
        picture(1), LabelSubmission("Bag", "Shirt", "fashion_mnist_model:abc", "pad")
    )
    assert is_new
    [found] = corrections.page()
    assert found == correction == corrections.get(correction.id)
    assert (found.label, found.predicted, found.source) == ("Bag", "Shirt", "pad")
    assert (found.state, found.reason) == ("new", None)
    assert (found.pixels == picture(1)).all()


def test_the_same_again_is_the_same() -> None:
    first = kept(1)
    assert corrections.add(picture(1), LabelSubmission("Bag", source="upload")) == (first, False)
    assert corrections.counts() == {
        "new": 1, "accepted": 0, "conflict": 0, "quarantined": 0, "review_requested": 0
    }  # fmt: skip


def test_another_label_contradicts_until_one_is_deleted() -> None:
    bag, other = kept(1), kept(2)
    shirt = kept(1, "Shirt")
    assert states() == {bag.id: "conflict", other.id: "new", shirt.id: "conflict"}
    assert corrections.get(bag.id).reason == "The same picture is also labelled Shirt."
    assert corrections.counts()["conflict"] == 2
    assert [it.id for it in corrections.page(state="conflict")] == [shirt.id, bag.id]
    assert [it.id for it in corrections.page(state="new")] == [other.id]
    assert corrections.usable(CLASSES).ids.tolist() == [other.id]
    corrections.delete(shirt.id)
    assert states() == {bag.id: "new", other.id: "new"}


def test_relabelled_to_what_is_said_already_two_become_one() -> None:
    bag, shirt = kept(1), kept(1, "Shirt")
    assert corrections.relabel(shirt.id, "Bag") == corrections.get(bag.id)
    assert states() == {bag.id: "new"}


def test_relabelled_to_a_third_class_they_still_contradict() -> None:
    bag, shirt = kept(1), kept(1, "Shirt")
    assert corrections.relabel(shirt.id, "T-shirt/top").state == "conflict"
    assert states() == {bag.id: "conflict", shirt.id: "conflict"}


def test_what_contradicts_cannot_be_accepted() -> None:
    bag = kept(1)
    kept(1, "Shirt")
    with pytest.raises(corrections.Disputed, match=r"also labelled Shirt.*Delete or relabel"):
        corrections.accept(bag.id)


def test_what_a_person_says_stands_when_a_contradiction_is_over() -> None:
    bag = corrections.accept(kept(1).id)
    shirt = kept(1, "Shirt")
    assert corrections.get(bag.id).state == "conflict"
    corrections.delete(shirt.id)
    assert corrections.get(bag.id) == bag


def test_set_aside_with_a_reason_and_used_only_if_a_person_says_so() -> None:
    doubtful, accepted, fine = kept(1), corrections.accept(kept(2).id), kept(3)
    reasons = {doubtful.id: "It looks like Shirt.", accepted.id: "It too.", 99: "Not there."}
    assert corrections.quarantine(reasons) == [doubtful.id]
    assert corrections.get(doubtful.id).reason == "It looks like Shirt."
    assert corrections.usable(CLASSES).ids.tolist() == [accepted.id, fine.id]
    assert corrections.accept(doubtful.id).reason is None
    usable = corrections.usable(CLASSES)
    assert usable.ids.tolist() == [doubtful.id, accepted.id, fine.id]
    assert usable.accepted.tolist() == [True, True, False]


def test_relabelled_it_is_judged_anew() -> None:
    doubtful = kept(1)
    corrections.quarantine({doubtful.id: "It looks like Shirt."})
    relabelled = corrections.relabel(doubtful.id, "Shirt")
    assert (relabelled.id, relabelled.state, relabelled.reason) == (doubtful.id, "new", None)


def test_what_a_run_may_use_comes_as_arrays() -> None:
    rows = [kept(number, CLASSES[number % 3], predicted="Bag") for number in range(60)]
    usable = corrections.usable(CLASSES)
    assert usable.images.shape == (60, 28, 28)
    assert (usable.images[7] == picture(7)).all()
    assert usable.images.flags.writeable
    assert usable.labels.tolist() == [number % 3 for number in range(60)]
    assert usable.held_out.tolist() == [it.held_out for it in rows]
    assert 3 < usable.held_out.sum() < 25
    assert (np.diff(usable.created_at) >= 0).all()
    assert usable.content_hashes == [it.content_hash for it in rows]
    assert corrections.usable(("Bag",)).labels.tolist() == [0] * 20


def test_an_empty_store_has_nothing_to_use() -> None:
    assert corrections.usable(CLASSES).images.shape == (0, 28, 28)
    assert corrections.page() == []


def test_pages_are_newest_first_and_go_on_after_an_id() -> None:
    ids = [kept(number, CLASSES[number % 2]).id for number in range(10)]
    first = [it.id for it in corrections.page(limit=4)]
    assert first == ids[:-5:-1]
    corrections.delete(first[-1])
    assert [it.id for it in corrections.page(after=first[-1], limit=4)] == ids[5:1:-1]
    assert [it.id for it in corrections.page(label="Shirt", limit=2)] == [ids[9], ids[7]]
    assert corrections.counts(label="Shirt")["new"] == 5


@pytest.mark.parametrize(
    "ask",
    [
        corrections.get,
        corrections.delete,
        corrections.accept,
        lambda number: corrections.relabel(number, "Bag"),
    ],
)
def test_what_is_not_there(ask: Callable[[int], object]) -> None:
    with pytest.raises(corrections.UnknownCorrection, match="no correction 7"):
        ask(7)


def test_a_deleted_id_is_not_given_again() -> None:
    first = kept(1).id
    corrections.delete(first)
    assert kept(2).id > first


# --- Several processes, and none left ------------------------------------------------------------

ADD_MANY = """
import sys, numpy
from training.store import corrections
for number in range(int(sys.argv[1]), int(sys.argv[2])):
    pixels = numpy.random.default_rng(number).integers(0, 256, (28, 28), numpy.uint8)
    print(number, corrections.add(pixels, corrections.LabelSubmission("Bag"))[0].id, flush=True)
"""


def adding(first: int, end: int) -> subprocess.Popen[str]:
    """A process that keeps pictures, and prints the number of each, with its id, once kept."""
    command = [sys.executable, "-c", ADD_MANY, str(first), str(end)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True)


def test_processes_that_begin_at_once_on_no_store_lose_nothing() -> None:
    processes = [adding(start, start + 20) for start in range(0, 120, 20)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 6
    assert sum(len(output.splitlines()) for output in outputs) == 120
    assert corrections.counts()["new"] == 120


def test_what_was_acknowledged_survives_being_killed() -> None:
    acknowledged: dict[int, int] = {}
    for start in range(0, 5_000, 1_000):
        process = adding(start, start + 1_000)
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(7 + start // 300)]
        process.send_signal(signal.SIGKILL)
        process.wait()
        said += [line for line in process.stdout if line.endswith("\n")]
        acknowledged |= {int(n): int(i) for n, i in (line.split() for line in said)}
        process.stdout.close()
    found = {it.id: it for it in corrections.page(limit=10_000)}
    for number, correction_id in acknowledged.items():
        assert found[correction_id].label == "Bag"
        assert (found[correction_id].pixels == picture(number)).all()
    assert len(acknowledged) >= 5 * 7


def test_a_file_that_is_no_store_is_told_and_left_alone(empty_home: Path) -> None:
    empty_home.mkdir()
    (empty_home / "corrections.db").write_bytes(b"my shopping list" * 100)
    with pytest.raises(corrections.StoreUnavailable, match="not a database"):
        kept(1)
    assert (empty_home / "corrections.db").read_bytes() == b"my shopping list" * 100


# --- The archive ---------------------------------------------------------------------------------


def exported() -> bytes:
    return b"".join(corrections_archive.export_archive())


def taken_back(archive: bytes) -> tuple[int, int]:
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


def test_an_archive_taken_back_elsewhere_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = a_mixed_store()
    archive = exported()
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path / "elsewhere"))
    assert taken_back(archive) == (6, 0)
    assert corrections.page() == rows
    assert taken_back(archive) == (0, 6)
    assert exported() == archive


def test_what_was_deleted_comes_back_as_it_was() -> None:
    rows = a_mixed_store()
    archive = exported()
    for row in rows[::2]:
        corrections.delete(row.id)
    assert taken_back(archive) == (3, 3)
    assert corrections.page() == rows


def test_an_id_that_another_one_has_stays_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(1)
    archive = exported()
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path / "elsewhere"))
    mine = kept(2)
    assert taken_back(archive) == (1, 0)
    assert corrections.get(mine.id) == mine
    assert len(corrections.page()) == 2


def test_file_and_label_are_enough() -> None:
    archive = zipped({"a.png": png(picture(1)), "corrections.csv": b"file,label\na.png,Bag\n"})
    assert taken_back(archive) == (1, 0)
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
    "nothing": (b"", "no zip archive"),
    "no zip": (b"hello", "no zip archive"),
    "cut off": (with_lines("a.png,Bag")[:-30], "no zip archive"),
    "damaged": (with_lines("a.png,Bag").replace(b"IHDR", b"IHDX"), "damaged"),
    "no table": (zipped(GOOD), "no corrections.csv"),
    "no column": (with_lines("a.png", head="file"), "no column 'label'"),
    "not UTF-8": (zipped({**GOOD, "corrections.csv": b"file,label\na.png,\xff"}), "not UTF-8"),
    "unknown label": (with_lines("a.png,Bag", "a.png,Hat"), "line 3: 'label' is no class"),
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
        taken_back(archive)
    assert words in str(refused.value)
    assert corrections.page() == [before]


# --- Questions -----------------------------------------------------------------------------------

SAYS = "Version one says Bag, version two says Shirt."


def asked(number: int, label: str = "Bag") -> int:
    claim = LabelSubmission(
        label, predicted=label, model="fashion_mnist_model:one", source="shadow"
    )
    return corrections.request_review([(picture(number), claim, SAYS)])


def test_a_question_waits_for_a_person_and_no_run_uses_it() -> None:
    assert asked(1) == 1
    [question] = corrections.page(state="review_requested")
    assert (question.label, question.reason, question.source) == ("Bag", SAYS, "shadow")
    assert len(corrections.usable(CLASSES).ids) == 0
    assert corrections.quarantine({question.id: "It looks wrong."}) == []


@pytest.mark.parametrize(("label", "state"), [("Shirt", "new"), ("Bag", "new")])
def test_to_name_the_class_of_a_question_answers_it(label: str, state: str) -> None:
    asked(1)
    [question] = corrections.page()
    answered = corrections.relabel(question.id, label)
    assert (answered.label, answered.state, answered.reason) == (label, state, None)
    assert corrections.usable(CLASSES).ids.tolist() == [question.id]


def test_to_accept_a_question_answers_it() -> None:
    asked(1)
    [question] = corrections.page()
    assert corrections.accept(question.id).state == "accepted"
    assert len(corrections.usable(CLASSES).ids) == 1


@pytest.mark.parametrize("label", ["Bag", "Shirt"])
def test_what_a_person_says_takes_the_place_of_the_question(label: str) -> None:
    asked(1)
    correction, is_new = corrections.add(picture(1), LabelSubmission(label))
    assert is_new
    assert states() == {correction.id: "new"}


def test_no_question_is_asked_about_a_picture_that_somebody_has_named() -> None:
    first = kept(1, "Shirt")
    assert asked(1) == 0
    assert states() == {first.id: "new"}
    assert asked(2) == 1
    assert asked(2, "Shirt") == 0


def test_a_question_disputes_nothing() -> None:
    asked(1)
    corrections.restore(
        [
            replace(
                kept(2),
                content_hash="other",
                picture=picture(3).tobytes(),
                state="review_requested",
            )
        ]
    )
    assert corrections.counts()["conflict"] == 0


def test_so_many_questions_are_open_and_no_more() -> None:
    claim = LabelSubmission("Bag", source="shadow")
    many = [(picture(number), claim, SAYS) for number in range(corrections.MAX_REVIEW_REQUESTS + 5)]
    assert corrections.request_review(many) == corrections.MAX_REVIEW_REQUESTS
    assert asked(9_999) == 0
    corrections.delete(corrections.page(limit=1)[0].id)
    assert asked(9_999) == 1


def test_questions_go_along_in_an_archive_and_answer_to_what_is_there() -> None:
    asked(1)
    asked(2)
    archive = io.BytesIO(b"".join(corrections_archive.export_archive()))
    for question in corrections.page():
        corrections.delete(question.id)
    named = kept(1, "Shirt")
    assert corrections_archive.import_archive(archive, CLASSES) == (1, 1)
    assert corrections.counts()["review_requested"] == 1
    assert corrections.get(named.id).state == "new"
