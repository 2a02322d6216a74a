"""Two visitors at once, and services that go and come back while one looks."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.visual.conftest import Staged
from tests.support.browser import TROUSERS, answered, draw, surface
from tests.support.scenes.stage import World

PATIENCE = 30_000
"""Milliseconds: nothing here is about speed."""

SLEEVE = [(60, 60), (120, 300)]


@pytest.fixture
def windows(browser: Browser, staged: Staged) -> Iterator[tuple[Page, Page]]:
    """Two windows of one browser, as one person opens them."""
    staged.stage.show(World())
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(staged.url)
        expect(surface(page)).to_be_visible(timeout=PATIENCE)
    yield first, second
    context.close()


def is_empty(page: Page) -> bool:
    """Whether nothing is drawn on the pad."""
    script = """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      .data.every((value, index) => index % 4 === 3 || value < 16)"""
    empty: bool = surface(page).evaluate(script)
    return empty


def clear(page: Page) -> None:
    page.locator(".st-key-pad button[name=clear]").click()


def test_a_second_window_sees_nothing_of_the_first_ones_drawing(
    windows: tuple[Page, Page],
) -> None:
    first, second = windows
    draw(first, TROUSERS)
    answered(first, 1)
    assert is_empty(second)
    draw(second, SLEEVE, close=False)
    answered(second, 1)
    clear(second)
    expect(second.locator(".answer")).to_have_count(0, timeout=PATIENCE)
    expect(first.locator(".answer")).to_be_visible(timeout=PATIENCE)
    assert not is_empty(first)


def test_a_language_is_of_one_window_until_the_next_visit(windows: tuple[Page, Page]) -> None:
    first, second = windows
    first.locator(".language select").select_option("ko")
    expect(first.get_by_role("heading", name="무엇일까요?")).to_be_visible(timeout=PATIENCE)
    expect(first.locator("html")).to_have_attribute("lang", "ko", timeout=PATIENCE)
    second.get_by_role("tab", name="Upload").click()
    expect(second.get_by_role("heading", name="What is it?")).to_be_visible(timeout=PATIENCE)
    second.reload()
    expect(second.get_by_role("heading", name="무엇일까요?")).to_be_visible(timeout=PATIENCE)


def test_a_classifier_that_comes_back_answers_without_a_reload(
    windows: tuple[Page, Page], staged: Staged
) -> None:
    page, _ = windows
    staged.stage.show(World(down=frozenset({"classifier"})))
    expect(page.locator(".badge.down")).to_be_visible(timeout=PATIENCE)
    draw(page, TROUSERS)
    expect(page.locator(".answer")).to_have_count(0, timeout=PATIENCE)
    staged.stage.show(World())
    expect(page.locator(".badge.ready")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".answer")).to_be_visible(timeout=PATIENCE)
    assert not is_empty(page)


@pytest.mark.parametrize("path", ["corrections", "classes", "retrain", "models"])
def test_a_trainer_that_comes_back_fills_the_page_without_a_reload(
    browser: Browser, staged: Staged, path: str
) -> None:
    staged.stage.show(World(down=frozenset({"trainer"})))
    page = browser.new_page()
    page.goto(f"{staged.url}/{path}")
    waiting = page.get_by_text("This page reloads when the trainer is back.")
    expect(waiting).to_be_visible(timeout=PATIENCE)
    staged.stage.show(World())
    expect(waiting).to_have_count(0, timeout=PATIENCE)
    page.close()


def test_a_phones_menu_closes_after_a_choice(browser: Browser, staged: Staged) -> None:
    staged.stage.show(World())
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(staged.url)
    page.get_by_test_id("stExpandSidebarButton").click(timeout=PATIENCE)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Classes").click()
    expect(page.get_by_role("heading", name="Your classes")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stSidebar")).to_have_attribute(
        "data-collapsed", "true", timeout=PATIENCE
    )
    page.close()
