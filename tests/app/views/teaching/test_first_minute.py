"""The first minute on Classify: three steps, and everything on one screen."""

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from app.components.pad import Drawing, Stroke
from tests.support.app.pages import open_page, page_text
from tests.support.app.teaching import TeachableServices
from tests.support.browser import TROUSERS, answered, draw, open_choices, settled, surface

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture
def services(services: TeachableServices) -> TeachableServices:
    """Answer as a classifier that knows the drawing."""
    services.known = True
    return services


def ticked(page: Page) -> Locator:
    return page.locator(".st-key-first_steps li.done")


def test_the_steps_are_ticked_off_and_closed_for_good(visit: Page) -> None:
    steps = visit.get_by_role("group", name="First steps")
    expect(steps).to_contain_text("Retrain")
    expect(ticked(visit)).to_have_count(0)
    draw(visit, TROUSERS)
    answered(visit, 1)
    expect(ticked(visit)).to_have_text(["✓Drawdone"])
    prompt = visit.locator(".st-key-pad_feedback")
    prompt.get_by_role("button", name="That's wrong").click()
    prompt.get_by_role("button", name="Coat", exact=True).click()
    expect(ticked(visit)).to_have_text(["✓Drawdone", "✓Correctdone"])
    visit.reload()
    settled(visit)
    expect(ticked(visit)).to_have_count(2)
    visit.get_by_role("button", name="Close the first steps").click()
    expect(steps).to_be_hidden()
    visit.reload()
    settled(visit)
    expect(surface(visit)).to_be_visible()
    expect(steps).to_be_hidden()


def test_after_an_answer_one_button_stands_out(visit: Page, services: TeachableServices) -> None:
    draw(visit, TROUSERS)
    answered(visit, 1)
    primary = visit.locator(".st-key-pad_feedback button.primary:visible")
    expect(primary).to_have_text(["That's wrong"])
    services.known = False
    draw(visit, [(20, 20), (60, 24)], close=False)
    answered(visit, 2)
    expect(primary).to_have_text(["Teach it"])


def test_all_of_it_is_in_sight_on_a_small_desktop(visit: Page) -> None:
    visit.set_viewport_size(DESKTOP)
    draw(visit, TROUSERS)
    answer = answered(visit, 1)
    prompt = visit.locator(".st-key-pad_feedback")
    open_choices(prompt)
    bars = visit.locator(".st-key-pad_bars li")
    expect(bars).to_have_count(10)
    tools = visit.locator(".st-key-pad .tools")
    for part in (surface(visit), tools, answer, prompt, bars.last):
        box = part.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= DESKTOP["height"]


def test_the_answer_and_the_tools_are_in_sight_while_drawing_on_a_phone(visit: Page) -> None:
    visit.set_viewport_size(PHONE)
    draw(visit, TROUSERS)
    answer = answered(visit, 1).bounding_box()
    tools = visit.locator(".st-key-pad .tools").bounding_box()
    assert answer is not None
    assert tools is not None
    assert answer["y"] + answer["height"] <= PHONE["height"]
    assert tools["y"] + tools["height"] <= answer["y"]


def test_a_drawing_can_be_taught_while_the_classifier_is_down(
    nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASSIFIER_URL", nobody)
    monkeypatch.setenv("TRAINER_URL", nobody)
    at = open_page()
    stroke = Stroke(points=(100, 100, 300, 300), size=14, shade=255, fill=False)
    at.session_state["drawing"] = Drawing(png=b"\x89PNG\r\n\x1a\n", strokes=(stroke,), number=1)
    at.run()
    assert not at.exception
    assert "once the classifier is back. You can still say what this is." in page_text(at)
