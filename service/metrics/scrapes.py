"""One scrape at a time, however many ask for it."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class OneScrape:
    """ASGI middleware that computes `/metrics` once for all requests that wait for it.

    A scrape reads the files of all workers and formats every series. A request that arrives during
    a scrape gets the next one, so its answer contains all that happened before it was asked.
    `delay_seconds` pass before a scrape begins.
    """

    def __init__(self, app: ASGIApp, delay_seconds: float = 0) -> None:
        self._app = app
        self._delay_seconds = delay_seconds
        self._running = asyncio.Lock()
        self._next: asyncio.Task[list[Message]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_scrape = scope["type"] == "http" and scope["path"] == "/metrics"
        if not is_scrape or scope["method"] != "GET":
            return await self._app(scope, receive, send)
        if self._next is None:
            self._next = asyncio.create_task(self._scrape(scope, receive))
        # Shielded: a client that leaves must not take the answer from the others.
        for message in await asyncio.shield(self._next):
            await send(message)

    async def _scrape(self, scope: Scope, receive: Receive) -> list[Message]:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        async with self._running:
            self._next = None  # who asks from now on gets the next one
            await asyncio.sleep(self._delay_seconds)
            await self._app(scope, receive, keep)
        return messages
