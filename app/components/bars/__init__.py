"""A bar for the probability of each class, which moves to its new length in place.

HTML and CSS alone: an answer does not wait for a chart library, and a screen reader reads the list.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "wardrobe_bars",
    html=(_HERE / "bars.html").read_text(encoding="utf-8"),
    css=(_HERE / "bars.css").read_text(encoding="utf-8"),
    js=(_HERE / "bars.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Bar:
    """One bar: `share` is its length, 0..1, and `value` its text. A `leading` one stands out."""

    name: str
    share: float
    value: str
    leading: bool


def bars(caption: str, rows: Sequence[Bar], *, key: str) -> None:
    """Mount the bars below their caption, or move those mounted before under this key."""
    _mount(key=key, data={"caption": caption, "rows": [asdict(row) for row in rows]})
