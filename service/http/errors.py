"""Errors of calls: a status code and a message that says what to do."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from http import HTTPStatus
from typing import ParamSpec, TypeVar

from bentoml.exceptions import BentoMLException

_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")


class ApiError(BentoMLException):
    """Becomes the answer `{"error": message, **details}`."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, error_code=status)
        self.status = status
        self.details = details or {}
        self.headers = headers or {}


class ModelNotReady(ApiError):  # noqa: N818 - it names a state
    """503: there is no model to answer with, yet."""

    FIRST = "There is no model yet. Train the first one on the Retrain page or with `make train`."

    def __init__(self, message: str = FIRST) -> None:
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, message, headers={"Retry-After": "2"})


class InternalCall(Exception):  # noqa: N818 - it is no error
    """A request of another BentoML service, which BentoML's own endpoint has to answer."""


endpoint_errors: ContextVar[list[ApiError] | None] = ContextVar("endpoint_errors", default=None)
"""Errors of BentoML's endpoint in this request. BentoML hides the messages of 5xx codes and makes a
list of the others, so RoutesMiddleware answers in its place."""


def keep_errors(
    endpoint: Callable[_Parameters, Awaitable[_Answer]],
) -> Callable[_Parameters, Awaitable[_Answer]]:
    """Decorate a `@bentoml.api` method: note an ApiError in `endpoint_errors`, and raise it."""

    @wraps(endpoint)
    async def noting(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Answer:
        try:
            return await endpoint(*args, **kwargs)
        except ApiError as error:
            if (errors := endpoint_errors.get()) is not None:
                errors.append(error)
            raise

    return noting
