# ruff: noqa: N818 - these names say what happened; "Error" would add nothing
"""One service, reached over HTTP: timeouts, and every failure as an exception with a message.

ServiceError          .message: what happened and what to do, fit to show to a person
├── ServiceDown       nobody answers at that address
├── ServiceSlow       somebody is there, but no answer came in time
├── NotReady          503: up, but cannot do this yet (no model, warming up)
├── Refused           4xx: this request was wrong; .status and .details hold the answer
└── BadAnswer         anything else: an answer that is not of the agreed shape, or a 5xx
"""

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError

import settings

CONNECT_SECONDS = 1.0
READ_SECONDS = 10.0

_ASK_AGAIN_AFTER = (0, 0.1, 0.3)
"""Seconds."""


class ServiceError(Exception):
    """A service could not do what was asked. `message` says why, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ServiceDown(ServiceError):
    """Nobody answers at the service's address."""


class ServiceSlow(ServiceError):
    """The service took the request but gave no answer in time."""


class NotReady(ServiceError):
    """The service is up but cannot answer yet."""


class Refused(ServiceError):
    """The service answered with a 4xx code: asking again in the same way will not help."""

    def __init__(self, message: str, status: int, details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.details = details


class BadAnswer(ServiceError):
    """The answer is not of the agreed shape, or the service failed inside."""


class Connection:
    """Calls to one service.

    `name` is how sentences call it ("The classifier"), `url` its address without a path. One
    pool of kept connections serves every visitor of the page.
    """

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment is not for our own services
        self._session.mount(self.url, HTTPAdapter(pool_connections=1, pool_maxsize=32))

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at `path`. Raises ServiceError."""
        return _json(self, self.send("GET", path, params=query))

    def post(self, path: str, *, read_seconds: float = READ_SECONDS, **body: Any) -> Any:
        """The JSON that answers a POST. `body` is as requests takes it: data, files, json.

        Raises ServiceError.
        """
        return _json(self, self.send("POST", path, read_seconds=read_seconds, **body))

    def put(self, path: str, **body: Any) -> Any:
        """The JSON that answers a PUT, whose `body` is as that of `post`. Raises ServiceError."""
        return _json(self, self.send("PUT", path, **body))

    def send(
        self, method: str, path: str, *, read_seconds: float = READ_SECONDS, **request: Any
    ) -> requests.Response:
        """The answer to one request, when its code is below 400. Raises ServiceError."""

        def ask() -> requests.Response:
            return self._session.request(
                method, self.url + path, timeout=(CONNECT_SECONDS, read_seconds), **request
            )

        try:
            answer = _ask_again_if_hung_up(ask)
        except requests.Timeout as error:
            if isinstance(error, requests.ConnectTimeout):
                raise self._down() from error
            raise ServiceSlow(
                f"{self.name} gave no answer within {read_seconds:g} seconds. Try again."
            ) from error
        except requests.RequestException as error:
            raise self._down() from error
        if answer.status_code >= 400:
            raise self._error_of(answer)
        return answer

    def _down(self) -> ServiceDown:
        return ServiceDown(f"{self.name} does not answer at {self.url}. Is it running?")

    def _error_of(self, answer: requests.Response) -> ServiceError:
        details = _error_details(answer)
        message = str(details.get("error") or "").strip()
        if answer.status_code == 503:
            return NotReady(message or f"{self.name} is not ready yet.")
        if answer.status_code < 500:
            said = message or f"{self.name} refused this with code {answer.status_code}."
            return Refused(said, answer.status_code, details)
        code = answer.status_code
        return BadAnswer(message or f"{self.name} failed with code {code}. Its log says why.")

    def bad_answer(self) -> BadAnswer:
        """The exception for an answer that is not of the agreed shape."""
        return BadAnswer(
            f"{self.name} gave an answer this page does not understand. "
            f"Is another program running at {self.url}?"
        )


@cache
def _kept(name: str, url: str) -> Connection:
    return Connection(name, url)


def connect(name: str, setting: str) -> Connection:
    """The kept connection to the service whose address is in `setting`."""
    return _kept(name, settings.get(setting))


def _ask_again_if_hung_up(ask: Callable[[], requests.Response]) -> requests.Response:
    """Asks again when the other side closes a connection before it answers.

    A server that leaves closes the kept ones, and then those that were still in its queue: one
    question can meet both. It had not seen the request, so nothing happens twice.
    """
    for pause in _ASK_AGAIN_AFTER:
        try:
            return ask()
        except requests.ConnectionError as error:
            if not (error.args and isinstance(error.args[0], ProtocolError)):
                raise
        time.sleep(pause)
    return ask()


def _json(connection: Connection, answer: requests.Response) -> Any:
    try:
        return answer.json()
    except requests.JSONDecodeError as error:
        raise connection.bad_answer() from error


def _error_details(answer: requests.Response) -> Mapping[str, Any]:
    try:
        details = answer.json()
    except requests.JSONDecodeError:
        return {}
    return details if isinstance(details, dict) else {}
