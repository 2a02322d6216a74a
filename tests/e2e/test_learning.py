"""One visitor teaches the model two kinds of drawings that it does not know, through the page."""

import random

import requests
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visited
from tests.support.browser import answered, draw, settled
from tests.support.silhouettes import outline

KINDS = ("Coat", "Ankle boot")
TAUGHT, ASKED = 20, 10


def said(page: Page, kind: str, chance: random.Random, number: int) -> str:
    """What the model says of another drawing of this kind, the visit's drawing of this number."""
    if number > 1:
        page.locator(".st-key-pad button[name=clear]").click()
    draw(page, outline(kind, chance))
    changes = 2 * number - 1  # to clear is one too
    return answered(page, changes).locator(".label").inner_text()


def correct(page: Page, answer: str, kind: str) -> None:
    """Say that the answer is right, or which class it is."""
    verdict = page.locator(".st-key-pad_verdict")
    if answer == kind:
        verdict.get_by_role("button", name="Right").click()
    else:
        verdict.get_by_role("button", name="No, it is").click()
        verdict.get_by_role("button", name=kind, exact=True).click()
    expect(verdict).to_contain_text(f"Kept as {kind}, number", timeout=15_000)


def test_it_learns_what_a_visitor_says(wardrobe: Visited, page: Page) -> None:
    chance = random.Random(5)
    page.goto(wardrobe.url)
    settled(page)
    known = 0
    for number in range(TAUGHT):
        kind = KINDS[number % 2]
        answer = said(page, kind, chance, number + 1)
        known += answer == kind
        correct(page, answer, kind)
    assert known <= TAUGHT / 2, "the drawings are known already"

    page.get_by_role("link", name="Retrain", exact=True).first.click()
    settled(page)
    expect(page.get_by_text("It learns from 20 corrections")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Train a new version").click()
    expect(page.get_by_text("is served now, instead of")).to_be_visible(timeout=120_000)

    # The page that showed the run lets go of the visitor, whose next visit counts drawings from 1.
    page.get_by_role("link", name="Classify", exact=True).first.click()
    expect(page.get_by_role("heading", name="What is it?")).to_be_visible(timeout=15_000)
    page.goto(wardrobe.url)
    settled(page)
    kinds = [KINDS[number % 2] for number in range(ASKED)]
    right = [said(page, kind, chance, number + 1) == kind for number, kind in enumerate(kinds)]
    assert sum(right) >= 0.9 * ASKED

    run = requests.get(f"{wardrobe.at('trainer')}/runs", timeout=10).json()["runs"][0]
    assert run["config"]["recipe"] == "finetune"
    assert run["corrections"]["used"] + run["corrections"]["held_out"] == TAUGHT
    lost = run["result"]["previous_accuracy"] - run["result"]["accuracy"]
    assert lost <= 0.003, "it has forgotten what it knew"
