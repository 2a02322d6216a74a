"""One visitor corrects two kinds of drawings, and the retrained model knows them."""

import random

import requests
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visited
from tests.support.browser import answered, choose_class, draw, settled
from tests.support.silhouettes import outline

KINDS = ("Coat", "Ankle boot")
CORRECTED, TESTED = 20, 10


def draw_and_read(page: Page, kind: str, chance: random.Random, number: int) -> str:
    """Draw another shape of this kind, the visit's drawing `number`; return the model's class."""
    if number > 1:
        page.locator(".st-key-pad button[name=clear]").click()
    draw(page, outline(kind, chance))
    changes = 2 * number - 1  # clearing counts too
    return answered(page, changes).locator(".label").inner_text()


def correct(page: Page, kind: str) -> None:
    """Confirm the answer or choose the right class, also of what the model does not know."""
    prompt = page.locator(".st-key-pad_feedback")
    choose_class(prompt, kind)
    expect(prompt).to_contain_text(f"Saved as {kind.lower()}.", timeout=15_000)


def test_the_model_learns_from_corrections(wardrobe: Visited, page: Page) -> None:
    chance = random.Random(5)
    page.goto(wardrobe.url)
    settled(page)
    known = 0
    for number in range(CORRECTED):
        kind = KINDS[number % 2]
        answer = draw_and_read(page, kind, chance, number + 1)
        known += answer == kind
        correct(page, kind)
    assert known <= CORRECTED / 2, "the drawings are known already"

    page.get_by_role("link", name="Retrain", exact=True).first.click()
    settled(page)
    expect(page.get_by_text("20 corrections to learn from.")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Train a new version").click()
    expect(page.get_by_text("is now live and replaces")).to_be_visible(timeout=120_000)

    # Leave the page of the run, then reload: the pad counts drawings from 1 again.
    page.get_by_role("link", name="Classify", exact=True).first.click()
    expect(page.get_by_role("heading", name="What is it?")).to_be_visible(timeout=15_000)
    page.goto(wardrobe.url)
    settled(page)
    kinds = [KINDS[number % 2] for number in range(TESTED)]
    right = [
        draw_and_read(page, kind, chance, number + 1) == kind for number, kind in enumerate(kinds)
    ]
    assert sum(right) >= 0.9 * TESTED

    run = requests.get(f"{wardrobe.at('trainer')}/runs", timeout=10).json()["runs"][0]
    assert run["config"]["recipe"] == "finetune"
    assert run["corrections"]["used"] + run["corrections"]["held_out"] == CORRECTED
    lost = run["result"]["previous_accuracy"] - run["result"]["accuracy"]
    assert lost <= 0.003, "it has forgotten what it knew"
