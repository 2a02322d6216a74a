# ruff: noqa: N818 - these names say what happened; "Error" would add nothing
"""One service, reached over HTTP: timeouts, typed responses, and failures with a message.

ServiceError          .message: what happened and what to do, fit to show to a person
├── ServiceDown       nobody answers at that address
├── ServiceTimeout    connected, but no response came in time
├── NotReady          503: up, but cannot do this yet (no model, warming up)
├── RequestRejected   4xx: this request was wrong; .status and .details hold the response
└── InvalidResponse   a response that is not of the agreed shape, or a 5xx
"""

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import requests
from pydantic import BaseModel, ConfigDict, ValidationError
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError

import settings
from app.clients import identity
from app.text.translate import _

CONNECT_SECONDS = 1.0
READ_SECONDS = 10.0

_RETRY_PAUSES = (0, 0.1, 0.3)
"""Seconds before the second, third and fourth try."""


class ResponseModel(BaseModel):
    """The JSON of a response, or a part of it.

    Immutable. Unknown keys are ignored: a newer service may send more. Bytes come as base64.
    """

    model_config = ConfigDict(frozen=True, val_json_bytes="base64")


_Model = TypeVar("_Model", bound=BaseModel)


class ServiceError(Exception):
    """A service could not do what was asked. `message` says why, and what to do.

    `retry_after`: the seconds after which the service asks to be asked again, None if it does not.
    """

    retry_after: float | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ServiceDown(ServiceError):
    """Nobody answers at the service's address."""


class ServiceTimeout(ServiceError):
    """The service took the request but sent no response in time."""


class NotReady(ServiceError):
    """The service is up but cannot answer yet."""


class RequestRejected(ServiceError):
    """The service answered with a 4xx code: the same request will fail again."""

    def __init__(self, message: str, status: int, details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.details = details


class InvalidResponse(ServiceError):
    """The response is not of the agreed shape, or the service failed inside."""


class Connection:
    """HTTP requests to one service.

    `name` is how messages call it ("The classifier"), marked by N_; `url` is its address without a
    path. All visitors of the page share one pool of connections.
    """

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment is not for our own services
        self._session.mount(self.url, HTTPAdapter(pool_connections=1, pool_maxsize=32))

    def fetch(
        self,
        model: type[_Model],
        method: str,
        path: str,
        *,
        read_seconds: float = READ_SECONDS,
        **request: Any,
    ) -> _Model:
        """Send one request and return its JSON, validated as `model`. Raises ServiceError.

        `request` is as requests takes it: params, data, files, json, headers.
        """
        return self.parse(model, self.send(method, path, read_seconds=read_seconds, **request))

    def parse(self, model: type[_Model], response: requests.Response) -> _Model:
        """Validate the JSON of a response as `model`. Raises InvalidResponse."""
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            raise self.invalid_response() from error

    def send(
        self, method: str, path: str, *, read_seconds: float = READ_SECONDS, **request: Any
    ) -> requests.Response:
        """Send one request and return the response, whose code is below 400.

        Raises ServiceError.
        """
        headers = {**identity.headers(), **(request.pop("headers", None) or {})}

        def attempt() -> requests.Response:
            return self._session.request(
                method,
                self.url + path,
                timeout=(CONNECT_SECONDS, read_seconds),
                headers=headers,
                **request,
            )

        try:
            response = _retry_disconnects(attempt)
        except requests.Timeout as error:
            if isinstance(error, requests.ConnectTimeout):
                raise self._down() from error
            raise ServiceTimeout(
                _("{service} gave no answer within {seconds} seconds. Try again.").format(
                    service=_(self.name), seconds=f"{read_seconds:g}"
                )
            ) from error
        except requests.RequestException as error:
            raise self._down() from error
        if response.status_code >= 400:
            failure = self._error(response)
            failure.retry_after = _retry_after(response)
            raise failure
        return response

    def invalid_response(self) -> InvalidResponse:
        """Make the error for a response that is not of the agreed shape."""
        return InvalidResponse(
            _(
                "{service} gave an answer this page does not understand. "
                "Is another program running at {url}?"
            ).format(service=_(self.name), url=self.url)
        )

    def _down(self) -> ServiceDown:
        text = _("{service} does not answer at {url}. Is it running?")
        return ServiceDown(text.format(service=_(self.name), url=self.url))

    def _error(self, response: requests.Response) -> ServiceError:
        code, details, service = response.status_code, _error_details(response), _(self.name)
        message = str(details.get("error") or "").strip()
        if code == 503:
            return NotReady(message or _("{service} is not ready yet.").format(service=service))
        if code < 500:
            text = _("{service} rejected this request with code {code}.")
            message = message or text.format(service=service, code=code)
            return RequestRejected(message, code, details)
        text = _("{service} failed with code {code}. See its log.")
        return InvalidResponse(message or text.format(service=service, code=code))


def connect(name: str, setting: str) -> Connection:
    """The shared connection to the service whose address is in `setting`."""
    return _connection(name, settings.get(setting))


@cache
def _connection(name: str, url: str) -> Connection:
    return Connection(name, url)


def _retry_disconnects(attempt: Callable[[], requests.Response]) -> requests.Response:
    """Try again when the other side closes a connection before it answers.

    A server that shuts down closes idle connections, and then those still in its queue: one
    request can meet both. The server has not processed it, so nothing happens twice.
    """
    for pause in _RETRY_PAUSES:
        try:
            return attempt()
        except requests.ConnectionError as error:
            if not (error.args and isinstance(error.args[0], ProtocolError)):
                raise
        time.sleep(pause)
    return attempt()


def _retry_after(response: requests.Response) -> float | None:
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else None


def _error_details(response: requests.Response) -> Mapping[str, Any]:
    try:
        details = response.json()
    except requests.JSONDecodeError:
        return {}
    return details if isinstance(details, dict) else {}
