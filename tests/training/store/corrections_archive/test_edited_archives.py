"""Archives that people have edited with a spreadsheet and zipped again are read."""

import io
import zipfile

import pytest
from PIL import Image

from tests.support.archives import counts, decode, imported, png, with_rows, with_table, zipped
from tests.support.corrections_store import kept, picture
from training.store import corrections, corrections_archive

pytestmark = pytest.mark.usefixtures("empty_home")

HEAD = "file,id,label,predicted,model,source,created_at,state,reason"
ROW = "a.png,12,Bag,Shirt,fashion_mnist_model:abc,pad,2026-11-24T08:00:00.000+00:00,accepted,"
PICTURES = {"a.png": png(picture(1))}


def the_one() -> corrections.Correction:
    [row] = corrections.page()
    return row


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(f"{HEAD}\n{ROW}\n".encode(), id="as exported by an older release"),
        pytest.param(f"\ufeff{HEAD}\r\n{ROW}\r\n".encode(), id="byte order mark"),
        pytest.param(f"{HEAD}\r{ROW}\r".encode(), id="line breaks of an old Mac"),
        pytest.param(f"{HEAD}\n{ROW}".replace(",", ";").encode(), id="semicolons"),
        pytest.param(f"sep=;\n{HEAD}\n{ROW}".replace(",", ";").encode(), id="delimiter named"),
        pytest.param(f"{HEAD}\n{ROW}".replace(",", "\t").encode("utf-16"), id="UTF-16 and tabs"),
        pytest.param(
            b"\xfe\xff" + f"{HEAD}\n{ROW}".replace(",", "\t").encode("utf-16-be"), id="UTF-16 BE"
        ),
        pytest.param(f"\n\n{HEAD}\n\n{ROW}\n\n\r\n , ,,\n;;\n".encode(), id="blank lines"),
        pytest.param(f"{HEAD}\n{ROW}".replace(",12,", ",12.0,").encode(), id="id as 12.0"),
        pytest.param(
            f"{HEAD}\n{ROW}".replace(",", ";").replace("12", "12,00").encode(), id="12,00"
        ),
        pytest.param(f"{HEAD}\n{ROW}".replace("Bag", "  bag ").encode(), id="class in lower case"),
        pytest.param(
            f"{HEAD.upper()}\n{ROW}".replace(",", " , ").encode(), id="spaces, capitals in the head"
        ),
        pytest.param(f"note,{HEAD},seen by\nold,{ROW},Ada".encode(), id="more columns"),
        pytest.param(f'{HEAD}\n"'.encode() + ROW.replace(",", '","').encode() + b'"', id="quotes"),
    ],
)
def test_a_table_of_a_spreadsheet(table: bytes) -> None:
    assert counts(imported(zipped({**PICTURES, "corrections.csv": table}))) == (1, 0, 0)
    row = the_one()
    assert (row.id, row.label, row.predicted, row.state) == (12, "Bag", "Shirt", "accepted")
    assert (row.model, row.source) == ("fashion_mnist_model:abc", "pad")
    assert row.created_at == "2026-11-24T08:00:00.000+00:00"
    assert row.reason is None


TABLE = "file,label\npictures/1.png,Bag\n"
ZIPPED_AGAIN = {
    "as a folder": {"things/corrections.csv": TABLE, "things/pictures/1.png": PICTURES["a.png"]},
    "on a Mac": {
        "corrections/": "",
        "corrections/corrections.csv": TABLE,
        "__MACOSX/corrections/._corrections.csv": b"\x00\x05\x16\x07",
        "corrections/pictures/1.png": PICTURES["a.png"],
        "__MACOSX/corrections/pictures/._1.png": b"\x00\x05\x16\x07",
        "corrections/.DS_Store": b"\x00",
    },
    "on Windows": {"pictures\\1.png": PICTURES["a.png"], "corrections.csv": TABLE},
    "two folders deep": {"a/b/corrections.csv": TABLE, "a/b/pictures/1.png": PICTURES["a.png"]},
    "in capitals": {"CORRECTIONS.CSV": TABLE, "Pictures/1.PNG": PICTURES["a.png"]},
    "with a copy of the table": {
        "corrections.csv": TABLE,
        "old/corrections.csv": "file,label\n",
        "pictures/1.png": PICTURES["a.png"],
    },
    "with another name": {"corrections-Table 1.csv": TABLE, "pictures/1.png": PICTURES["a.png"]},
    "with ./": {"./corrections.csv": TABLE, "./pictures/1.png": PICTURES["a.png"]},
    "with absolute paths": {"/corrections.csv": TABLE, "/pictures/1.png": PICTURES["a.png"]},
    "with slashes doubled": {"corrections.csv": TABLE, "pictures//1.png": PICTURES["a.png"]},
    "stored only": {"corrections.csv": TABLE, "pictures/1.png": PICTURES["a.png"]},
}


@pytest.mark.parametrize("name", ZIPPED_AGAIN)
def test_a_folder_zipped_again(name: str) -> None:
    compression = zipfile.ZIP_STORED if name == "stored only" else zipfile.ZIP_DEFLATED
    assert counts(imported(zipped(ZIPPED_AGAIN[name], compression))) == (1, 0, 0)


@pytest.mark.parametrize(
    "cell",
    [
        r"pictures\1.png",
        r".\pictures\1.png",
        "./pictures/1.png",
        "Pictures/1.PNG",
        "things/pictures/1.png",
        r"C:\Users\Ada\things\pictures\1.png",
        "/home/ada/things/pictures/1.png",
        " pictures/1.png ",
    ],
)
def test_a_path_of_another_computer(cell: str) -> None:
    folder = {"things/corrections.csv": f"file,label\n{cell},Bag\n"}
    archive = zipped({**folder, "things/pictures/1.png": PICTURES["a.png"]})
    assert counts(imported(archive)) == (1, 0, 0)


def test_the_accents_of_a_mac_are_the_same_letters() -> None:
    archive = zipped(
        {"Mu\u0308tze.png": PICTURES["a.png"], "corrections.csv": "file,label\nM\xfctze.png,Bag"}
    )
    assert counts(imported(archive)) == (1, 0, 0)


def picture_file(kind: str, mode: str, size: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(1)).convert(mode).resize((size, size)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [
        ("PNG", "RGB", 28),
        ("PNG", "RGBA", 28),
        ("PNG", "P", 28),
        ("PNG", "L", 300),
        ("BMP", "RGB", 64),
        ("JPEG", "RGB", 500),
        ("GIF", "L", 28),
    ],
)
def test_other_pictures_are_converted_as_a_correction_is(kind: str, mode: str, size: int) -> None:
    data = picture_file(kind, mode, size)
    archive = zipped({"a.png": data, "corrections.csv": "file,label\na.png,Bag"})
    assert counts(imported(archive)) == (1, 0, 0)
    assert (the_one().pixels == decode(data)).all()


def test_file_and_label_are_enough() -> None:
    assert counts(imported(with_rows("a.png,Bag"))) == (1, 0, 0)
    assert (the_one().source, the_one().state) == ("api", "new")


def test_what_can_be_read_is_imported_and_the_rest_is_named() -> None:
    kept(2, "Shirt")
    head = "file,label,state,reason"
    report = imported(
        with_rows(
            "a.png,Bag,,",
            "",
            "a.png,Hat,,",
            "b.png,Shirt,,",
            "c.png,Bag,,",
            'b.png,Bag,good,"two\nlines"',
            "b.png,Bag,,a reason, with a comma",
            "b.png,Bag,quarantined,fine",
            head=head,
        )
    )
    assert counts(report) == (2, 1, 4)
    assert [problem.row for problem in report.problems] == [4, 6, 7, 8]
    reasons = [problem.reason for problem in report.problems]
    assert "'label' is not a known class" in reasons[0]
    assert reasons[1] == "The archive has no file 'c.png'."
    assert "'state' is one of new" in reasons[2]
    assert "has 5 cells, and the head 4" in reasons[3]


def test_bytes_that_are_not_utf_8_cost_their_row_only() -> None:
    table = "file,label,reason\na.png,Bag,gr\xfcn\nb.png,Bag,\n".encode("latin-1")
    report = imported(with_table(table))
    assert counts(report) == (1, 0, 1)
    assert report.problems[0].row == 2
    assert "'CSV UTF-8'" in report.problems[0].reason


def test_an_edited_export_is_known_row_by_row() -> None:
    kept(1, source="pad")
    kept(2, "Shirt")
    export = b"".join(corrections_archive.export_archive())
    edited: dict[str, bytes | str] = {}
    with zipfile.ZipFile(io.BytesIO(export)) as files:
        for name in files.namelist():
            edited[f"corrections/{name}"] = files.read(name)
    text = edited["corrections/corrections.csv"]
    assert isinstance(text, bytes)
    edited["corrections/corrections.csv"] = text.replace(b",", b";").replace(b"Shirt", b"shirt")
    assert counts(imported(zipped(edited))) == (0, 2, 0)


def test_a_picture_is_not_taken_from_a_similar_path() -> None:
    archive = zipped(
        {"1.png": PICTURES["a.png"], "corrections.csv": "file,label\nshirts/1.png,Bag"}
    )
    assert counts(imported(archive)) == (0, 0, 1)
