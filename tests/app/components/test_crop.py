"""Validation of frames from the browser."""

from typing import Any

import pytest

from app.components.crop import crop_of

SENT = {"digest": "abc", "frame": [0.25, 0, 0.5, 1]}


def test_a_frame_is_read() -> None:
    assert crop_of(SENT, "abc") == "0.2500,0.0000,0.5000,1.0000"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {"digest": "of another picture", "frame": [0.25, 0, 0.5, 1]},
        {**SENT, "frame": None},
        {**SENT, "frame": [0, 0, 1]},
        {**SENT, "frame": [0, 0, "1", 1]},
        {**SENT, "frame": [True, 0, 0.5, 1]},
        {**SENT, "frame": [0, 0, float("nan"), 1]},
        {**SENT, "frame": [0.6, 0, 0.5, 1]},
        {**SENT, "frame": [0, 0, 0.001, 1]},
        {**SENT, "frame": [-0.1, 0, 0.5, 1]},
    ],
)
def test_anything_else_is_the_whole_picture(sent: Any) -> None:
    assert crop_of(sent, "abc") == ""
