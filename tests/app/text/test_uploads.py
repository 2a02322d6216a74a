"""Words for files that are no pictures."""

import pytest

from app.text.uploads import words_for


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n1 0 obj", "PDF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (b"\x1aE\xdf\xa3\x01\0\0", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"ID3\x04\0", "sound"),
        (b"PK\x03\x04\x14\0\0\0pictures/1.png", "archive"),
        (b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", "document"),
        (b"\x1f\x8b\x08\0", "archive"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        ("Größe: 42\n".encode(), "text"),
        ("ü".encode() * 3000, "text"),
        (b"\xff\xfea\0b\0", "text"),
    ],
)
def test_each_kind_of_file_has_words(data: bytes, word: str) -> None:
    words = words_for(data)
    assert words is not None
    assert word in words
    assert words.endswith(".")
    assert "multipart" not in words


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0", b"\xff\xd8\xff\xe0\0", bytes(range(256)) * 20]
)
def test_a_damaged_picture_or_unknown_bytes_have_none(data: bytes) -> None:
    assert words_for(data) is None
