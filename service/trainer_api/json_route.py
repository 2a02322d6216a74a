"""Routes whose body is JSON, whatever the request calls it, and of limited size."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from service.http import bodies

_MAX_BYTES = 100_000
_TYPE = b"content-type"


class JsonRoute(APIRoute):
    """A route that takes `curl -d '{…}'` too, which calls its JSON a form.

    Raises ApiError (413) for a body of more than 100 kB.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's hook: the handler of each request."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            content = await bodies.body(request, _MAX_BYTES)
            others = [(name, value) for name, value in request.scope["headers"] if name != _TYPE]
            scope = {**request.scope, "headers": [*others, (_TYPE, b"application/json")]}

            async def receive() -> Message:
                return {"type": "http.request", "body": content, "more_body": False}

            return await handle(Request(scope, receive))

        return handle_json
