"""The headers that protect every answer of both services."""

from collections.abc import Awaitable

from starlette.types import Message, Send

SECURITY_HEADERS = [
    # A page of another origin cannot embed an answer, as an image or a script.
    (b"cross-origin-resource-policy", b"same-origin"),
]


def with_security_headers(send: Send) -> Send:
    """Wrap an ASGI `send`: the answer gets SECURITY_HEADERS as well."""

    def sending(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *SECURITY_HEADERS]}
        return send(message)

    return sending
