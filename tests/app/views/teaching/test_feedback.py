"""Feedback on an answer, in a real browser with a real trainer."""

import psutil
import requests
from playwright.sync_api import Locator, Page, expect

from tests.support.app.correction_store import label, newest
from tests.support.browser import TROUSERS, answered, draw, surface
from tests.support.processes import Server


def feedback(page: Page, source: str) -> Locator:
    """Return the feedback below an answer; `source` is `pad` or `upload`."""
    return page.locator(f".st-key-{source}_feedback")


def draw_trousers(page: Page, app_url: str) -> None:
    """Open the page, draw trousers and wait for the answer."""
    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    draw(page, TROUSERS)
    answered(page, 1)


def test_an_answer_is_confirmed_and_that_is_undone(
    page: Page, app_url: str, trainer_url: str
) -> None:
    draw_trousers(page, app_url)
    prompt = feedback(page, "pad")
    expect(prompt).to_contain_text("We'll save this drawing")
    prompt.get_by_role("button", name="That's right").click()
    expect(prompt).to_contain_text("Saved as trouser.")
    expect(prompt.get_by_role("button", name="That's right")).to_have_count(0)
    expect(prompt.get_by_text("We'll save this drawing")).to_be_hidden()
    number = newest(trainer_url)
    assert label(trainer_url, number) == "Trouser"
    prompt.get_by_role("button", name="Undo").click()
    expect(prompt.get_by_role("button", name="That's right")).to_be_visible()
    assert label(trainer_url, number) is None


def test_an_answer_is_corrected_and_the_next_stroke_can_be_too(
    page: Page, app_url: str, trainer_url: str
) -> None:
    draw_trousers(page, app_url)
    prompt = feedback(page, "pad")
    predicted = page.locator(".answer .label").inner_text()
    other = "Sandal"
    expect(prompt.get_by_role("button", name=other)).to_have_count(0)
    prompt.get_by_role("button", name="That's wrong").click()
    expect(prompt.get_by_role("button", name=predicted, exact=True)).to_have_count(0)
    prompt.get_by_role("button", name=other, exact=True).click()
    expect(prompt).to_contain_text(f"Saved as {other.lower()}.")
    assert label(trainer_url, newest(trainer_url)) == other
    draw(page, [(20, 20), (60, 24)], close=False)
    answered(page, 2)
    expect(prompt.get_by_text("We'll save this drawing")).to_be_visible()
    expect(prompt.get_by_role("button", name=other, exact=True)).to_be_visible()


def test_drawing_alone_stores_nothing(page: Page, app_url: str, trainer_url: str) -> None:
    def stored() -> int:
        counts = requests.get(f"{trainer_url}/corrections?limit=1", timeout=10).json()["counts"]
        return sum(counts.values())

    page.goto(app_url)
    expect(surface(page)).to_be_visible(timeout=30_000)
    before = stored()
    draw(page, TROUSERS)
    answered(page, 1)
    draw(page, [(20, 20), (60, 24)], close=False)
    answered(page, 2)
    assert stored() == before


def test_an_upload_is_confirmed(
    page: Page, app_url: str, trainer_url: str, trousers: bytes
) -> None:
    page.goto(app_url)
    page.get_by_role("tab", name="Upload").click()
    page.locator(".st-key-files input[type=file]").set_input_files(
        {"name": "jeans.png", "mimeType": "image/png", "buffer": trousers}
    )
    prompt = feedback(page, "upload")
    prompt.get_by_role("button", name="That's right").click(timeout=15_000)
    expect(prompt).to_contain_text("Saved as trouser.")
    assert label(trainer_url, newest(trainer_url)) == "Trouser"
    page.get_by_role("link", name="See all corrections").click()
    expect(page.get_by_role("heading", name="Corrections")).to_be_visible()


def test_a_correction_that_was_not_saved_can_be_sent_again(
    page: Page, app_url: str, trainer: Server
) -> None:
    draw_trousers(page, app_url)
    prompt = feedback(page, "pad")
    worker = psutil.Process(trainer.process.pid).children()
    for process in worker:
        process.suspend()
    try:
        prompt.get_by_role("button", name="That's right").click()
        expect(prompt.get_by_role("alert")).to_contain_text("Not saved.", timeout=20_000)
    finally:
        for process in worker:
            process.resume()
    prompt.get_by_role("button", name="That's right").click()
    expect(prompt).to_contain_text("aved as trouser.")
