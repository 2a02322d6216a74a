"""Waits until the page is usable and prints its address, with the first training's progress."""

import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import requests

import settings
from launcher.console import print_line
from launcher.ports import is_taken, page_url

MODEL_TIMEOUT_SECONDS = 20.0
"""The page's address is printed after this time even without a model or a training run."""

ENDED_WITHOUT_MODEL = ("failed", "cancelled", "interrupted")


def wait_until_ready(names: Iterable[str], stopping: threading.Event) -> bool:
    """Wait until the page is usable, and print the progress of the first training until then.

    `names` are the processes to wait for. Returns False when `stopping` is set first.
    """
    printed, started = "", datetime.now(UTC)
    deadline = time.monotonic() + MODEL_TIMEOUT_SECONDS
    services = [name for name in names if name != "app"]  # the page may listen at another address
    ports = [settings.get_int(f"{name.upper()}_PORT") for name in services]
    while not stopping.wait(0.5):
        if not all(map(is_taken, ports)) or not get(f"{page_url()}/_stcore/health"):
            deadline = time.monotonic() + MODEL_TIMEOUT_SECONDS
            continue
        if get(f"{settings.get('CLASSIFIER_URL')}/readyz"):
            return True
        run = first_training(started)
        if run and run["state"] in ENDED_WITHOUT_MODEL:
            print_line(f"The first training {run['state']}: {run['error']}")
            return True
        if run and run["state"] != "succeeded":
            deadline = time.monotonic() + MODEL_TIMEOUT_SECONDS
            if (message := progress_message(run)) != printed:
                print_line(printed := message)
        if time.monotonic() > deadline:
            return True
    return False


def first_training(since: datetime) -> dict[str, Any] | None:
    """Record of the newest training run created after `since`, or None."""
    answer = get(f"{settings.get('TRAINER_URL')}/runs")
    runs: list[dict[str, Any]] = answer.json()["runs"] if answer else []
    wanted = (it for it in runs if not it.get("background"))
    return next((it for it in wanted if datetime.fromisoformat(it["created_at"]) > since), None)


def progress_message(run: dict[str, Any]) -> str:
    """Progress of a training run, in steps of ten percent so that the log stays short."""
    percent = int(run["progress"] * 10) * 10
    return f"Training the first model: {run['phase']}, {percent} % done."


def get(url: str) -> requests.Response | None:
    """Successful answer to a GET, or None."""
    try:
        answer = requests.get(url, timeout=2)
    except requests.RequestException:
        return None
    return answer if answer.ok else None
