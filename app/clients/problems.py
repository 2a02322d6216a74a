"""What is damaged in the state folder, by the trainer."""

from app.clients.http import ResponseModel, connect
from app.text.translate import N_


class Problem(ResponseModel):
    """A damaged file: its path in the state folder, and a sentence that says what to do."""

    path: str
    error: str


class _Problems(ResponseModel):
    problems: tuple[Problem, ...]


def fetch() -> tuple[Problem, ...]:
    """Everything that is damaged. Raises ServiceError."""
    return connect(N_("The trainer"), "TRAINER_URL").fetch(_Problems, "GET", "/problems").problems
