"""What the page asks of the trainer about the shadow, with typed answers.

The shadow is a version that answers the same pictures as the one that is served. Nobody waits for
it, and nobody but this page sees what it says.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.clients.http import Connection, connect


@dataclass(frozen=True)
class Shadow:
    """The version in the shadow, on a `share` of the pictures (above 0, up to 1), since when.

    `workers` of the classifier have it loaded. `ended` is a sentence once it has ended by itself,
    None while it goes on.
    """

    version: str
    share: float
    since: datetime
    workers: int
    ended: str | None


def fetch() -> Shadow | None:
    """The shadow, None if there is none. Raises ServiceError."""
    trainer = _trainer()
    return _read(trainer, trainer.get("/shadow"))


def start_shadow(version: str, share: float) -> Shadow | None:
    """Has a version run in the shadow, instead of the one before. Raises ServiceError.

    Refused if it is served, or is not there.
    """
    trainer = _trainer()
    return _read(trainer, trainer.put("/shadow", json={"version": version, "share": share}))


def stop() -> None:
    """Has no version in the shadow. Raises ServiceError."""
    _trainer().send("DELETE", "/shadow")


def _trainer() -> Connection:
    return connect("The trainer", "TRAINER_URL")


def _read(trainer: Connection, raw: Any) -> Shadow | None:
    try:
        if raw["version"] is None:
            return None
        return Shadow(
            version=str(raw["version"]),
            share=float(raw["share"]),
            since=datetime.fromisoformat(raw["since"]),
            workers=int(raw["workers"]),
            ended=None if raw["reason"] is None else str(raw["reason"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise trainer.bad_answer() from error
