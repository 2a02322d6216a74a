"""Validation of drawings from the browser."""

import base64
from typing import Any

import pytest

from app.components.pad import MAX_STROKES, SURFACE, drawing_of
from app.components.pad.samples import SAMPLES

PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
STROKE = {"points": [1, 2, 3, 4], "size": 14, "shade": 255, "fill": True}
SENT = {"png": PNG, "strokes": [STROKE], "number": 3}


def test_a_drawing_is_read() -> None:
    drawing = drawing_of(SENT)
    assert drawing is not None
    assert drawing.png == b"\x89PNG\r\n\x1a\nrest"
    assert drawing.strokes[0].points == (1, 2, 3, 4)
    assert drawing.number == 3


def test_a_cleared_pad_is_a_drawing_without_a_picture() -> None:
    drawing = drawing_of({"png": None, "strokes": [], "number": 4})
    assert drawing is not None
    assert drawing.png is None


def test_strokes_that_are_all_erased_are_a_drawing_without_a_picture() -> None:
    drawing = drawing_of({**SENT, "png": None})
    assert drawing is not None
    assert drawing.png is None
    assert len(drawing.strokes) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"png": 7},
        {"png": "data:text/html;base64,AAAA"},
        {"png": "data:image/png;base64,****"},
        {"png": "data:image/png;base64," + base64.b64encode(b"GIF89a").decode()},
        {"png": PNG + "A" * 2_000_000},
        {"strokes": None},
        {"strokes": [None]},
        {"strokes": [{**STROKE, "points": []}]},
        {"strokes": [{**STROKE, "points": [1, 2, 3]}]},
        {"strokes": [{**STROKE, "points": [1, float("nan")]}]},
        {"strokes": [{**STROKE, "points": [1, SURFACE + 1]}]},
        {"strokes": [{**STROKE, "points": ["1", "2"]}]},
        {"strokes": [{**STROKE, "points": [True, False]}]},
        {"strokes": [{**STROKE, "points": [1, 2] * 40_000}]},
        {"strokes": [{**STROKE, "size": 0}]},
        {"strokes": [{**STROKE, "shade": 256}]},
        {"number": -1},
        {"number": None},
        {"number": float("inf")},
    ],
)
def test_invalid_drawings_are_rejected(wrong: dict[str, Any]) -> None:
    assert drawing_of({**SENT, **wrong}) is None


@pytest.mark.parametrize("sent", [None, [], "x", 3, {}])
def test_values_of_another_type_are_invalid(sent: Any) -> None:
    assert drawing_of(sent) is None


def test_there_is_a_limit_to_strokes() -> None:
    drawing = drawing_of({**SENT, "strokes": [STROKE] * (MAX_STROKES + 5)})
    assert drawing is not None
    assert len(drawing.strokes) == MAX_STROKES


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["name"])
def test_the_samples_are_valid_drawings(sample: dict[str, Any]) -> None:
    drawing = drawing_of({"png": PNG, "strokes": sample["strokes"], "number": 1})
    assert drawing is not None
    assert len(drawing.strokes) == len(sample["strokes"])
