"""The limit: uvicorn with nothing on top, and pictures that arrive together in one pass.

No checks, no metrics, no time limit, no routes: what Python's fastest server leaves to be had.
"""

import asyncio
import json
from typing import Any

import numpy as np

from tests.benchmarks.peers.shared import Predictor, decode

predictor = Predictor()
waiting: list[tuple[Any, asyncio.Future[bytes]]] = []


def forward() -> None:
    """Answer all that wait."""
    batch, waiting[:] = waiting[:], []
    scores = predictor.probabilities(np.stack([image for image, _ in batch]))
    for (_, future), probabilities in zip(batch, scores, strict=True):
        if not future.done():
            future.set_result(json.dumps(predictor.answer(probabilities)).encode())


async def app(scope: Any, receive: Any, send: Any) -> None:
    """POST anywhere: the picture itself."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if not body:
        answer = b"ready"
    else:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        if not waiting:
            loop.call_soon(forward)
        waiting.append((decode(body), future))
        answer = await future
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
