"""One visitor teaches a class that does not exist, uses it, and goes back: no request fails."""

import io
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import requests
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visited
from tests.support.browser import answered, draw, open_choices, settled
from tests.support.silhouettes import drawn, outline

if TYPE_CHECKING:
    from training.data import fashion_mnist

TAUGHT, TESTED, ENOUGH = 12, 3, 10
COMPARED = 1_000
"""Test pictures of the ten old classes."""

LOST = 0.02
"""Of their accuracy, at most."""


@dataclass
class Traffic:
    """Requests one after the other, each sent once: how many were answered, and what failed."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def one_request_all_the_time(url: str) -> Iterator[Traffic]:
    """Send a drawing of a bag to /classify, again and again, until the block ends."""
    traffic, over = Traffic(), threading.Event()
    picture = drawn("Bag", random.Random(1))

    def send() -> None:
        with requests.Session() as session:
            while not over.is_set():
                try:
                    files = {"image": ("bag.png", picture, "image/png")}
                    answer = session.post(f"{url}/classify", files=files, timeout=10)
                    answer.raise_for_status()
                    traffic.answered += 1
                except requests.RequestException as error:
                    traffic.failures.append(str(error))
                time.sleep(0.01)  # the browser needs the processor too

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield traffic
    finally:
        over.set()
        sender.join()


def old_classes_right(wardrobe: Visited, test_set: "fashion_mnist.Split") -> float:
    """Return the share of test pictures that the live version names right, 0..1."""
    array = io.BytesIO()
    np.save(array, test_set.images[:COMPARED].numpy())
    answers = requests.post(
        f"{wardrobe.at('classifier')}/classify_many",
        data=array.getvalue(),
        headers={"Content-Type": "application/x-npy"},
        timeout=30,
    ).json()
    labels = test_set.labels[:COMPARED].tolist()
    right = sum(bool(one["idx"] == label) for one, label in zip(answers, labels, strict=True))
    return right / COMPARED


def draw_hat(page: Page, chance: random.Random, number: int) -> str:
    """Draw another hat, the visit's drawing `number`; return the model's class."""
    if number > 1:
        page.locator(".st-key-pad button[name=clear]").click()
    draw(page, outline("Hat", chance))
    return answered(page, 2 * number - 1).locator(".label").inner_text()  # clearing counts too


def teach_hat(prompt: Locator, number: int) -> None:
    """Say that the drawing is a hat: a new class the first time, one click from then on."""
    if number == 1:
        open_choices(prompt)
        prompt.get_by_role("button", name="A new class").click()
        prompt.get_by_role("textbox", name="Name of the new class").fill("Hat")
        prompt.get_by_role("button", name="Save", exact=True).click()
    else:
        prompt.get_by_role("button", name="Hat", exact=True).click()
    expect(prompt).to_contain_text("Saved as hat.", timeout=15_000)


def test_a_class_of_ones_own_is_taught_served_and_taken_back(
    trained: Visited, page: Page, test_set: "fashion_mnist.Split"
) -> None:
    chance = random.Random(7)
    page.goto(trained.url)
    settled(page)
    first = trained.get("classifier", "/model")["tag"]
    right_before = old_classes_right(trained, test_set)
    with one_request_all_the_time(trained.at("classifier")) as traffic:
        prompt = page.locator(".st-key-pad_feedback")
        for number in range(1, TAUGHT + 1):
            assert draw_hat(page, chance, number) != "Hat"
            teach_hat(prompt, number)
            if number < ENOUGH:
                left = ENOUGH - number
                expect(prompt).to_contain_text(
                    f"{number} of 10 pictures. {left} more, then Retrain."
                )

        prompt.get_by_role("link", name=f"Hat: {TAUGHT} pictures. Retrain to teach it").click()
        expect(page.get_by_text(f"New in this version: Hat ({TAUGHT} pictures).")).to_be_visible(
            timeout=15_000
        )
        page.get_by_role("button", name="Train a new version").click()
        expect(page.get_by_text("is now live and replaces")).to_be_visible(timeout=120_000)
        expect(page.get_by_text("of other pictures are called Hat.").first).to_be_visible()
        assert trained.get("classifier", "/model")["metadata"]["class_names"][-1] == "Hat"

        # Leave the page of the run, then reload: the pad counts drawings from 1 again.
        page.get_by_role("link", name="Classify", exact=True).first.click()
        expect(page.get_by_role("heading", name="What is it?")).to_be_visible(timeout=15_000)
        page.goto(trained.url)
        settled(page)
        answers = [draw_hat(page, chance, number) for number in range(1, TESTED + 1)]
        assert answers == ["Hat"] * TESTED
        assert right_before - old_classes_right(trained, test_set) <= LOST

        page.get_by_role("link", name="Models", exact=True).first.click()
        back = first.partition(":")[2]
        page.locator(f".st-key-promote_{back} button").click(timeout=15_000)
        number = trained.get("trainer", f"/models/{back}")["number"]
        message = page.get_by_text(f"v{number} is live on 2 workers")
        expect(message).to_contain_text("Doesn't know Hat. The corrections stay", timeout=15_000)
        assert old_classes_right(trained, test_set) == right_before
        assert "Hat" not in trained.get("classifier", "/model")["metadata"]["class_names"]
        counts = trained.get("trainer", "/corrections?label=Hat&limit=1")["counts"]
        assert counts["new"] == TAUGHT
    assert traffic.failures == []
    assert traffic.answered > 100
