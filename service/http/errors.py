"""What a call answers when it cannot do what it was asked: a status and a message."""

from collections.abc import Mapping
from http import HTTPStatus


class ApiError(Exception):
    """Becomes the answer `{"error": message, **details}`. The message says what to do."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details or {}
        self.headers = headers or {}


class ModelNotReady(ApiError):  # noqa: N818 - it names a state
    """503: there is nothing to answer with, yet."""

    FIRST = "There is no model yet. Train the first one on the Retrain page or by `make train`."

    def __init__(self, message: str = FIRST) -> None:
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, message, headers={"Retry-After": "2"})
