"""The trainer's calls about classes, with typed responses."""

from urllib.parse import quote

from pydantic import AwareDatetime

from app.clients.http import READ_SECONDS, Connection, ResponseModel, connect
from app.text.translate import N_

OWN = "own"
"""The origin of a class that a person added; all others are built in."""


class Pictures(ResponseModel):
    """Corrections of a class: those that runs use, those of them that only test, those missing.

    `needed` is 0 once a run includes the class.
    """

    usable: int
    held_out: int
    needed: int


class ListedClass(ResponseModel):
    """A class. `versions` are the tags that know it, `aliases` names that it had before.

    `actor` is who added it, None if that is unknown or it is built in.
    """

    name: str
    origin: str
    pictures: Pictures
    versions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    created_at: AwareDatetime | None = None
    actor: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether a person added it."""
        return self.origin == OWN


class Change(ResponseModel):
    """A change of the classes that can be undone. `what` is a sentence."""

    id: int
    what: str
    time: AwareDatetime
    actor: str | None = None


class Classes(ResponseModel):
    """Every class, the built-in ones first, and the latest changes, newest first.

    `limit` is the largest number of classes.
    """

    classes: tuple[ListedClass, ...]
    limit: int
    changes: tuple[Change, ...] = ()


class _Changed(ResponseModel):
    change: int


def fetch(*, read_seconds: float = READ_SECONDS) -> Classes:
    """Every class. Raises ServiceError."""
    return _trainer().fetch(Classes, "GET", "/classes", read_seconds=read_seconds)


def create(name: str) -> ListedClass:
    """Add a class and return it: its name may have lost spaces.

    Raises ServiceError: RequestRejected with a sentence about the name.
    """
    return _trainer().fetch(ListedClass, "POST", "/classes", json={"name": name})


def rename(name: str, new: str) -> int:
    """Rename a class and return the number of the change. Raises ServiceError."""
    return _change(name, {"name": new})


def merge(name: str, into: str) -> int:
    """Merge a class into another and return the number of the change. Raises ServiceError."""
    return _change(name, {"merge_into": into})


def delete(name: str) -> int:
    """Delete a class and return the number of the change. Raises ServiceError."""
    return _trainer().fetch(_Changed, "DELETE", _path(name)).change


def undo(change: int) -> None:
    """Undo a change. Raises ServiceError."""
    _trainer().send("POST", "/classes/undo", json={"change": change})


def _change(name: str, change: dict[str, str]) -> int:
    return _trainer().fetch(_Changed, "PATCH", _path(name), json=change).change


def _path(name: str) -> str:
    return f"/classes/{quote(name, safe='')}"


def _trainer() -> Connection:
    return connect(N_("The trainer"), "TRAINER_URL")
