"""Routes whose body is JSON, whatever the request calls it, of limited size, and read strictly."""

import json
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from service.http import bodies
from service.http.errors import ApiError
from service.http.json_answers import cleaned
from training.store import texts

_MAX_BYTES = 100_000
_MAX_DEPTH = 20
_TYPE = b"content-type"


class JsonRoute(APIRoute):
    """A route that takes `curl -d '{…}'` too, which calls its JSON a form.

    Raises ApiError: 413 for a body of more than 100 kB; 400 for one that names a field twice, is
    nested deeply, or holds NaN, a control character or half a character. Its answers can always be
    written, see `json_answers.cleaned`.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, _answering_cleaned(endpoint), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's hook: the handler of each request."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            content = await bodies.body(request, _MAX_BYTES)
            _check(content)
            others = [(name, value) for name, value in request.scope["headers"] if name != _TYPE]
            scope = {**request.scope, "headers": [*others, (_TYPE, b"application/json")]}

            async def receive() -> Message:
                return {"type": "http.request", "body": content, "more_body": False}

            return await handle(Request(scope, receive))

        return handle_json


def _answering_cleaned(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    if iscoroutinefunction(endpoint):
        wait_for: Callable[..., Awaitable[Any]] = endpoint

        @wraps(endpoint)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return cleaned(await wait_for(*args, **kwargs))

        return awaited

    @wraps(endpoint)
    def called(*args: Any, **kwargs: Any) -> Any:
        return cleaned(endpoint(*args, **kwargs))

    return called


def _check(content: bytes) -> None:
    """Raise ApiError (400) for JSON that FastAPI would take, and must not."""
    try:
        value = json.loads(content, object_pairs_hook=_object, parse_constant=_no_number)
    except json.JSONDecodeError:
        return  # FastAPI refuses it, with the place; an empty body may mean all defaults
    except RecursionError as error:
        raise _refused("The body is nested too deeply.") from error
    except ValueError as error:
        raise _refused("The body is not JSON: it is not UTF-8, or a number is too long.") from error
    waiting: list[tuple[str, Any, int]] = [("the body", value, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise _refused("The body is nested too deeply.")
        if isinstance(value, str) and (problem := texts.find_problem(value, _MAX_BYTES)):
            raise _refused(f"{place} {problem}.")
        if isinstance(value, dict):
            waiting += [("The name of a field", name, depth + 1) for name in value]
            waiting += [(texts.abridged(name), it, depth + 1) for name, it in value.items()]
        elif isinstance(value, list):
            waiting += [(place, it, depth + 1) for it in value]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _refused(f"The field {texts.abridged(twice)} is there twice. Send it once.")
    return found


def _no_number(name: str) -> Any:
    raise _refused(f"The body holds {name}, which is no number in JSON.")


def _refused(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, message)
