"""The trainer's calls about the shadow, with typed responses.

The shadow is a version that classifies the same pictures as the live one. No request waits for
it, and only this page shows its answers.
"""

from pydantic import AwareDatetime, Field, RootModel

from app.clients.http import Connection, ResponseModel, connect
from app.text.translate import N_


class Shadow(ResponseModel):
    """The version that runs as the shadow, on a `share` of the pictures (above 0, up to 1).

    `since` is when it started. `workers` of the classifier have it loaded. `ended` is a sentence
    once it has ended by itself, None while it goes on.
    """

    version: str
    share: float
    since: AwareDatetime
    workers: int
    ended: str | None = Field(validation_alias="reason")


class _NoShadow(ResponseModel):
    version: None


class _State(RootModel[Shadow | _NoShadow]):
    pass


def fetch() -> Shadow | None:
    """The shadow, None if there is none. Raises ServiceError."""
    return _shadow(_trainer().fetch(_State, "GET", "/shadow"))


def start(version: str, share: float) -> Shadow | None:
    """Run a version as the shadow, in place of the one before. Raises ServiceError.

    RequestRejected if it is the live version, or does not exist.
    """
    body = {"version": version, "share": share}
    return _shadow(_trainer().fetch(_State, "PUT", "/shadow", json=body))


def stop() -> None:
    """Stop the shadow, if there is one. Raises ServiceError."""
    _trainer().send("DELETE", "/shadow")


def _shadow(state: _State) -> Shadow | None:
    return state.root if isinstance(state.root, Shadow) else None


def _trainer() -> Connection:
    return connect(N_("The trainer"), "TRAINER_URL")
