"""From picture files to answers: what stands in the place of a picture without one."""

import asyncio
import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy.typing as npt
from PIL import Image

from app.clients.classifier import Unreadable
from service.inference.batching import Batcher
from service.inference.pipeline import Pipeline
from service.metrics.buffer import MetricsBuffer


def classified(files: list[bytes], *, seconds_ago: float) -> list[dict[str, Any]]:
    """Answers to a call that arrived some seconds ago."""

    def forward(images: npt.NDArray[Any], _: object) -> list[dict[str, Any]]:
        return [{"label": "Bag"}] * len(images)

    async def call() -> list[dict[str, Any]]:
        pipeline = Pipeline(Batcher(forward, MetricsBuffer()))
        return await pipeline.classify_many(files, time.monotonic() - seconds_ago)

    with ThreadPoolExecutor(1) as thread:  # Playwright's event loop runs in this one
        return thread.submit(asyncio.run, call()).result(60)


def test_only_a_picture_that_had_no_time_is_to_be_sent_again() -> None:
    picture = io.BytesIO()
    Image.effect_noise((600, 600), 80).save(picture, "PNG")
    files = [picture.getvalue(), b"no picture"]

    in_time = classified(files, seconds_ago=0)
    assert in_time[0] == {"label": "Bag"}
    assert set(in_time[1]) == {"error"}
    late = classified(files, seconds_ago=60)
    assert "Not classified in time" in late[0]["error"]
    # The page reads the same field.
    assert Unreadable.model_validate(late[0]).retry
    assert not Unreadable.model_validate(in_time[1]).retry
