"""JSON that can always be written, whatever the stored files hold that it is made of.

A file of the state folder may be damaged, or of a release that checked less. One odd text in it
must not take the answer for everything else.
"""

import json
import math
from typing import Any

from starlette.responses import JSONResponse

_MAX_DEPTH = 50


class RobustJson(JSONResponse):
    """A JSON answer with a question mark for each character that UTF-8 cannot hold."""

    def render(self, content: Any) -> bytes:
        """Starlette's hook: the body."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def cleaned(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it: question marks for lone surrogates, null for NaN, infinity and
    what is nested more than 50 deep."""
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case float():
            return value if math.isfinite(value) else None
        case dict() | list() | tuple() if depth == _MAX_DEPTH:
            return None
        case dict():
            return {cleaned(key): cleaned(it, depth + 1) for key, it in value.items()}
        case list() | tuple():
            return [cleaned(it, depth + 1) for it in value]
    return value
