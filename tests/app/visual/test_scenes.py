"""Every page in every state: axe finds nothing, a phone cuts nothing, it looks as its reference.

`make screenshots` stores the pictures in a folder, `make references` those to compare with.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.app.visual.conftest import Staged
from tests.support.browser import axe_findings
from tests.support.scenes import pictures
from tests.support.scenes.scenes import SCENES, Scene

SIZES = ((1280, 800), (390, 844))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PAUSE = 700
"""Milliseconds in which a page draws what it has to show."""

FOLDER = os.environ.get("SCREENSHOTS")
MAKES_REFERENCES = bool(os.environ.get("REFERENCES"))


@dataclass(frozen=True)
class Shown:
    """A scene as the browser showed it: screenshots by their names, findings of axe by theme.

    `cut` are the pixels by which the page is wider than a phone.
    """

    scene: Scene
    screenshots: dict[str, Image.Image]
    findings: dict[str, list[str]]
    cut: int


@pytest.fixture(scope="module", params=SCENES, ids=lambda scene: scene.name)
def shown(request: pytest.FixtureRequest, browser: Browser, staged: Staged) -> Shown:
    """Show a scene in both themes, on a desktop and on a phone."""
    scene: Scene = request.param
    staged.stage.show(scene.world)
    context = browser.new_context(timezone_id="UTC", locale="en-US")
    try:
        page = context.new_page()
        open_scene(page, scene, staged.url)
        seen = look_at(page, scene)
    finally:  # a page that is left open keeps asking its services
        context.close()
    if FOLDER:
        for name, picture in seen.screenshots.items():
            Path(FOLDER).mkdir(parents=True, exist_ok=True)
            picture.save(Path(FOLDER) / f"{name}.png")
    return seen


def open_scene(page: Page, scene: Scene, url: str) -> None:
    width, height = SIZES[0]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=SCHEMES[0])
    page.goto(f"{url}/{scene.path}")
    page.get_by_role("heading", level=1).first.wait_for(timeout=30_000)
    page.wait_for_timeout(PAUSE)  # a page that waits for a service never rests
    scene.act(page)
    page.wait_for_timeout(PAUSE)


def look_at(page: Page, scene: Scene) -> Shown:
    screenshots: dict[str, Image.Image] = {}
    findings: dict[str, list[str]] = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            screenshots[f"{scene.name}-{width}-{scheme}"] = pictures.take(page)
            if (width, height) == SIZES[0]:
                findings[scheme] = axe_findings(page, scene.besides)
    main = page.get_by_test_id("stMain")
    cut: int = main.evaluate("main => main.scrollWidth - main.clientWidth")
    return Shown(scene, screenshots, findings, cut)


def test_axe_finds_nothing(shown: Shown) -> None:
    assert shown.findings == {scheme: [] for scheme in SCHEMES}


def test_a_phone_shows_its_whole_width(shown: Shown) -> None:
    assert shown.cut <= 0


def test_it_looks_as_its_reference(shown: Shown, browser: Browser) -> None:
    if not shown.scene.is_stable:
        pytest.skip("this state may look different each time: times, or charts that move")
    if MAKES_REFERENCES:
        for name, picture in shown.screenshots.items():
            pictures.store(picture, pictures.REFERENCES / f"{name}.png")
        pictures.MADE_BY.write_text(json.dumps(pictures.renderer(browser)) + "\n")
    drawn_by = pictures.stored_renderer()
    if drawn_by != pictures.renderer(browser):
        pytest.skip(f"the references were drawn by {drawn_by}: letters differ here")
    shares = {
        name: pictures.difference(picture, pictures.REFERENCES / f"{name}.png")
        for name, picture in shown.screenshots.items()
    }
    different = {name: share for name, share in shares.items() if share > pictures.MOST_DIFFERENT}
    assert different == {}, "look at make screenshots; make references if it should look so"
