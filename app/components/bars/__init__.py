"""A bar for the probability of each class, which moves to its new length in place.

No chart library: an answer does not wait for one, and a screen reader reads the list.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from app.components.registration import register

_mount = register(__file__)


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
