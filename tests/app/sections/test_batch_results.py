"""Results of uploaded files: thumbnails, table and CSV."""

import csv
import io

import pandas as pd
import pytest
from PIL import Image

from app.clients.classifier import Answer, PictureFile, Unreadable
from app.sections.uploads import batch_results
from app.text import images, spreadsheets


def encoded(picture: Image.Image, kind: str) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind)
    return data.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.new("RGB", (900, 300), "red"), "JPEG"),
        encoded(Image.new("CMYK", (900, 300)), "JPEG"),
        encoded(Image.new("P", (900, 300)), "GIF"),
        encoded(Image.new("LA", (900, 300)), "PNG"),
        encoded(Image.new("I;16", (900, 300), 40_000), "PNG"),
        encoded(Image.new("F", (900, 300), 0.5), "TIFF"),
        encoded(Image.new("1", (900, 300)), "BMP"),
    ],
    ids=["JPEG", "CMYK", "GIF", "grey with alpha", "16 bit", "float", "1 bit"],
)
def test_every_kind_of_picture_has_a_thumbnail(data: bytes) -> None:
    png = images.thumbnail(data, 72)
    assert png is not None
    with Image.open(io.BytesIO(png)) as small:
        assert small.size == (72, 24)


def test_a_16_bit_picture_keeps_its_brightness() -> None:
    png = images.thumbnail(encoded(Image.new("I;16", (90, 90), 32_768), "PNG"), 72)
    assert png is not None
    with Image.open(io.BytesIO(png)) as small:
        assert small.convert("L").getpixel((5, 5)) == pytest.approx(128, abs=2)


@pytest.mark.parametrize("data", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff"])
def test_a_broken_file_has_no_thumbnail(data: bytes) -> None:
    assert images.thumbnail(data, 72) is None


def test_a_truncated_picture_has_none() -> None:
    whole = encoded(Image.effect_noise((200, 200), 60), "PNG")
    assert images.thumbnail(whole[: len(whole) // 2], 72) is None


def test_a_picture_that_takes_too_much_memory_is_not_decoded() -> None:
    large = encoded(Image.new("1", (4100, 4000)), "PNG")
    assert images.thumbnail(large, 72) is None


def test_a_large_photo_is_decoded_at_a_fraction_of_its_size() -> None:
    assert images.thumbnail(encoded(Image.new("L", (7000, 7000)), "JPEG"), 72) is not None


def test_a_jpeg_of_endless_scans_is_not_decoded() -> None:
    data = encoded(Image.new("L", (64, 64)), "JPEG")
    assert images.thumbnail(data + b"\xff\xda" * images.MAX_SCANS, 72) is None


def test_whatever_a_reader_raises_there_is_no_thumbnail(unknown_dds: bytes) -> None:
    assert images.thumbnail(unknown_dds, 72) is None


FILES = [PictureFile("a,b.png", b"x", "image/png"), PictureFile("c.txt", b"y", "text/plain")]
ANSWERS: list[Answer | Unreadable] = [
    Answer(
        label="Bag",
        confidence=0.75,
        probabilities={"Bag": 0.75, "Coat": 0.25},
        known=False,
        familiarity=0.02,
        model="m:1",
    ),
    Unreadable(error="Not a picture."),
]


def test_the_csv_has_a_row_a_file_and_a_column_a_class() -> None:
    rows = list(
        csv.DictReader(io.StringIO(batch_results.results_csv(FILES, ANSWERS).decode("utf-8-sig")))
    )
    assert rows[0] == {
        "file": "a,b.png",
        "label": "Bag",
        "confidence": "0.75",
        "known": "False",
        "familiarity": "0.02",
        "problem": "",
        "model": "m:1",
        "Bag": "0.75",
        "Coat": "0.25",
    }
    assert rows[1]["label"] == ""
    assert rows[1]["problem"] == "Not a picture."


def test_a_class_that_is_called_like_a_column_has_a_column_of_its_own() -> None:
    answer = Answer(label="file", confidence=0.6, probabilities={"file": 0.6, "Bag": 0.4}, model="")
    text = batch_results.results_csv(FILES[:1], [answer]).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["file"], row["label"], row["file (class)"]) == ("a,b.png", "file", "0.6")


@pytest.mark.parametrize("name", ["=1+1.png", "+1.png", "-1.png", "@x.png", "\t=1.png", "\r=1"])
def test_no_cell_of_the_csv_is_a_formula_and_excel_knows_the_encoding(name: str) -> None:
    files = [PictureFile(name, b"x", "image/png"), PictureFile("größe.png", b"x", "image/png")]
    answers = [ANSWERS[1], Unreadable(error="=HYPERLINK(1)")]
    data = batch_results.results_csv(files, answers)
    assert data.startswith(b"\xef\xbb\xbffile,")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [row["file"] for row in rows] == [f"'{name}", "größe.png"]
    assert rows[1]["problem"] == "'=HYPERLINK(1)"


def test_a_negative_number_stays_a_number() -> None:
    table = pd.DataFrame({"change": [-0.5], "-class": [1]})
    assert spreadsheets.to_csv(table).decode("utf-8-sig") == "change,'-class\r\n-0.5,1\r\n"
