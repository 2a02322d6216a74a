"""What the model does not know, and teaching it a class of one's own, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.app.conftest import page_beside
from tests.support.app.teaching import TeachableServices
from tests.support.app.trainer_json import BUILT_IN
from tests.support.browser import answered, axe_findings, draw, open_choices, settled
from tests.support.scripted_server import ScriptedServer

HAT = [(60, 300), (150, 290), (160, 150), (290, 150), (300, 290), (390, 300), (390, 330), (60, 330)]
PHONE: ViewportSize = {"width": 390, "height": 844}


def feedback(page: Page) -> Locator:
    return page.locator(".st-key-pad_feedback")


def draw_hat(page: Page, number: int) -> None:
    """Draw the visit's hat of this number, each a little different."""
    if number > 1:
        page.locator(".st-key-pad button[name=clear]").click()
    draw(page, [(x + 3 * number, y - 5 * number) for x, y in HAT])


def button(page: Page, name: str) -> Locator:
    return feedback(page).get_by_role("button", name=name, exact=True)


def add_class(page: Page, name: str) -> None:
    open_choices(feedback(page))
    button(page, "A new class").click()
    field = feedback(page).get_by_role("textbox", name="Name of the new class")
    field.fill(name)
    field.press("Enter")


def test_what_it_does_not_know_is_said_with_the_nearest_class_as_a_hint(visit: Page) -> None:
    draw_hat(visit, 1)
    answer = answered(visit, 1)
    expect(answer.get_by_role("status")).to_contain_text("I don't know this. The nearest is")
    expect(answer.locator(".label")).to_have_text("Bag")
    expect(answer).not_to_contain_text("% sure")
    expect(button(visit, "That's right")).to_have_count(0)
    expect(button(visit, "Coat")).to_have_count(0)
    button(visit, "Teach it").click()
    for name in (*BUILT_IN, "A new class", "None of these"):
        expect(button(visit, name)).to_be_visible()


def test_an_older_version_that_cannot_tell_answers_as_before(
    visit: Page, services: TeachableServices
) -> None:
    services.known = None
    draw_hat(visit, 1)
    expect(answered(visit, 1)).to_contain_text("60.0 % sure")
    expect(button(visit, "That's right")).to_be_visible()
    expect(button(visit, "Coat")).to_have_count(0)


def test_a_new_class_is_named_once_and_then_one_click(
    visit: Page, services: TeachableServices
) -> None:
    draw_hat(visit, 1)
    answered(visit, 1)
    add_class(visit, " Hat ")
    expect(feedback(visit)).to_contain_text("Saved as hat.")
    expect(feedback(visit)).to_contain_text("Hat: 1 of 10 pictures. 9 more, then Retrain.")
    assert [(it["label"], it["predicted"]) for it in services.taught] == [("Hat", "Bag")]

    draw_hat(visit, 2)
    answered(visit, 3)  # clearing counts too
    expect(feedback(visit).get_by_role("button").first).to_have_text("Hat")
    services.own["Hat"] = 9
    button(visit, "Hat").click()
    expect(feedback(visit)).to_contain_text("Saved as hat.")
    link = feedback(visit).get_by_role("link", name="Hat: 10 pictures. Retrain to teach it")
    expect(link).to_have_attribute("href", "retrain")
    assert [it["label"] for it in services.taught] == ["Hat", "Hat"]


def test_a_name_that_is_refused_can_be_changed(visit: Page, services: TeachableServices) -> None:
    services.name_error = "'Bäg' looks like 'Bag'. <b>Choose</b> another name."
    draw_hat(visit, 1)
    answered(visit, 1)
    add_class(visit, "Bäg")
    field = feedback(visit).get_by_role("textbox", name="Name of the new class")
    expect(feedback(visit).get_by_role("alert")).to_have_text(services.name_error)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("Bäg")
    assert not services.taught
    services.name_error = None
    field.fill("Hat")
    field.press("Enter")
    expect(feedback(visit)).to_contain_text("Saved as hat.")


def test_the_name_of_a_class_that_exists_saves_the_picture_with_it(
    visit: Page, services: TeachableServices
) -> None:
    draw_hat(visit, 1)
    answered(visit, 1)
    add_class(visit, "coat")
    expect(feedback(visit)).to_contain_text("Saved as coat.")
    assert [it["label"] for it in services.taught] == ["Coat"]
    assert not services.own


def test_none_of_these_saves_nothing(visit: Page, services: TeachableServices) -> None:
    draw_hat(visit, 1)
    answered(visit, 1)
    open_choices(feedback(visit))
    button(visit, "None of these").click()
    expect(feedback(visit)).to_contain_text("Nothing is saved.")
    draw_hat(visit, 2)
    answered(visit, 3)
    expect(feedback(visit)).not_to_contain_text("Nothing is saved.")
    assert not services.taught


def test_thirty_classes_fit_a_phone_and_can_be_found(
    visit: Page, services: TeachableServices
) -> None:
    services.own = {f"Thing number {number}": 12 for number in range(20)}
    services.served += list(services.own)
    visit.set_viewport_size(PHONE)
    visit.reload()
    settled(visit)
    draw_hat(visit, 1)
    answered(visit, 1)
    overhang = visit.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overhang <= 0
    open_choices(feedback(visit))
    feedback(visit).get_by_role("searchbox", name="Find one of 30 classes").fill("r 17")
    expect(button(visit, "Coat")).to_have_count(0)
    button(visit, "Thing number 17").click()
    expect(feedback(visit)).to_contain_text("Saved as thing number 17.")
    assert [it["label"] for it in services.taught] == ["Thing number 17"]


def test_an_empty_project_is_taught_before_there_is_a_model(
    page: Page, services: TeachableServices, teaching_url: str
) -> None:
    services.served = []
    services.own = {"Cup": 12, "Hat": 8}
    page.goto(teaching_url)
    settled(page)
    train = page.get_by_role("button", name="Train on your own pictures")
    expect(train).to_be_disabled()
    expect(page.get_by_text("So far: Cup 12 and Hat 8.")).to_be_visible()
    for number in (1, 2):
        draw_hat(page, number)
        button(page, "Hat").click()
        expect(feedback(page)).to_contain_text("Saved as hat.")
        expect(button(page, "Undo")).to_be_visible()
    assert all(not {"predicted", "model"} & set(it) for it in services.taught)
    expect(train).to_be_enabled()


def test_the_page_teaches_with_the_models_classes_while_the_trainer_is_down(
    page: Page, services: TeachableServices, server: ScriptedServer, nobody: str, tmp_path: Path
) -> None:
    with page_beside(server.url, nobody, tmp_path) as url:
        page.goto(url)
        settled(page)
        draw_hat(page, 1)
        expect(answered(page, 1).locator(".label")).to_have_text(services.label)
        open_choices(feedback(page))
        button(page, "Coat").click()
        expect(feedback(page).get_by_role("alert").last).to_contain_text("Not saved.")


@pytest.fixture(params=["light", "dark"])
def themed(
    request: pytest.FixtureRequest, browser: Browser, services: TeachableServices, teaching_url: str
) -> Iterator[Page]:
    """Open Classify in one of the two themes."""
    scheme: Literal["light", "dark"] = request.param
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    assert services.served
    page.goto(teaching_url)
    settled(page)
    yield page
    context.close()


def test_axe_finds_nothing_from_the_question_to_the_saved_picture(
    themed: Page, services: TeachableServices
) -> None:
    services.name_error = "Choose another name."
    draw_hat(themed, 1)
    answered(themed, 1)
    assert axe_findings(themed) == []
    add_class(themed, "Bäg")
    expect(feedback(themed).get_by_role("alert")).to_have_text("Choose another name.")
    assert axe_findings(themed) == []
    services.name_error = None
    add_class_again(themed)
    expect(feedback(themed)).to_contain_text("Saved as hat.")
    assert axe_findings(themed) == []


def add_class_again(page: Page) -> None:
    field = feedback(page).get_by_role("textbox", name="Name of the new class")
    field.fill("Hat")
    field.press("Enter")
