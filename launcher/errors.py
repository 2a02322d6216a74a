"""The error that ends the launcher with a message and no traceback."""

import contextlib
from collections.abc import Iterator
from pathlib import Path


class CannotStartError(Exception):
    """Says why Wardrobe does not start and what to do about it."""


@contextlib.contextmanager
def writing(home: Path) -> Iterator[None]:
    """Turn a failure to write into the state folder into a CannotStartError."""
    try:
        yield
    except OSError as error:
        raise CannotStartError(
            f"The state folder {home} cannot be written: {error.strerror}. Make room or make it "
            "writable, or choose another folder with WARDROBE_HOME."
        ) from error
