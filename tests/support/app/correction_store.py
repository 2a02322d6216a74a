"""Corrections in the store of a running trainer, as its API returns them."""

from typing import Any

import requests


def newest(trainer_url: str) -> int:
    """Return the id of the newest correction."""
    answer = requests.get(f"{trainer_url}/corrections", params={"limit": 1}, timeout=10)
    return int(answer.json()["corrections"][0]["id"])


def label(trainer_url: str, number: int) -> str | None:
    """Return the label of a correction, None if there is none with this id."""
    return _stored(trainer_url, number).get("label")


def state(trainer_url: str, number: int) -> str | None:
    """Return the state of a correction, None if there is none with this id."""
    return _stored(trainer_url, number).get("state")


def _stored(trainer_url: str, number: int) -> dict[str, Any]:
    answer = requests.get(
        f"{trainer_url}/corrections", params={"after": number + 1, "limit": 1}, timeout=10
    )
    return next((it for it in answer.json()["corrections"] if it["id"] == number), {})
