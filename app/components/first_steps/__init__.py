"""The first steps of a visitor, ticked off as they happen, until one click closes them for good.

The browser remembers what was ticked and closed, not the server.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from app.components.registration import register
from app.text.translate import _

_mount = register(__file__)


@dataclass(frozen=True)
class Step:
    """One step, and whether it has happened in this visit."""

    text: str
    done: bool


def first_steps(steps: Sequence[Step], *, key: str) -> bool:
    """Mount the steps. Return whether there is something left to tick off."""
    texts = {"label": _("First steps"), "done": _("done"), "close": _("Close the first steps")}
    data = {"steps": [asdict(step) for step in steps], "texts": texts}
    sent = _mount(key=key, data=data, on_finished_change=lambda: None).get("finished")
    return sent is not True
