"""Calls about corrections, for tests: send pictures with labels, and read rows."""

import io
from itertools import count
from typing import Any

import numpy as np
import requests
from PIL import Image

from tests.support.processes import Server

_SEEDS = count()


def new_picture(size: int = 28) -> bytes:
    """A grey PNG that no other test has sent."""
    pixels = np.random.default_rng(next(_SEEDS)).integers(0, 256, (size, size), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def send(trainer: Server, picture: bytes, label: str = "Bag", **more: str) -> requests.Response:
    return trainer.post("/corrections", files={"image": picture}, data={"label": label, **more})


def keep(trainer: Server, picture: bytes, label: str = "Bag", **more: str) -> int:
    answer = send(trainer, picture, label, **more)
    assert answer.status_code == 201, answer.text
    correction_id: int = answer.json()["id"]
    return correction_id


def call(trainer: Server, method: str, path: str, **more: Any) -> requests.Response:
    return trainer.call(method, path, **more)


def row(trainer: Server, number: int) -> dict[str, Any]:
    page = trainer.get(f"/corrections?after={number + 1}&limit=1")
    found: dict[str, Any] = page["corrections"][0]
    assert found["id"] == number
    return found
