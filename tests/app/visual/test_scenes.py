"""Every page in every state: axe finds nothing, and it looks as its reference.

`make screenshots` stores the pictures in a folder, `make references` those to compare with.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.app.conftest import page_beside, scripted_server
from tests.support.browser import axe_findings, settled
from tests.support.scenes import pictures
from tests.support.scenes.scenes import SCENES, Scene
from tests.support.scenes.stage import SERVICES, Stage

SIZES = ((1280, 800), (390, 844))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FOLDER = os.environ.get("SCREENSHOTS")
MAKES_REFERENCES = bool(os.environ.get("REFERENCES"))


@dataclass(frozen=True)
class Shown:
    """A scene as the browser showed it: screenshots by their names, findings of axe by theme."""

    scene: Scene
    screenshots: dict[str, Image.Image]
    findings: dict[str, list[str]]


@pytest.fixture(scope="module")
def stage_and_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, str]]:
    """One page on scripted services, for all scenes."""
    with scripted_server() as classifier, scripted_server() as trainer, scripted_server() as other:
        stage = Stage(dict(zip(SERVICES, (classifier, trainer, other), strict=True)))
        folder = tmp_path_factory.mktemp("scenes")
        with page_beside(classifier.url, trainer.url, folder, other.url) as url:
            yield stage, url


@pytest.fixture(scope="module", params=SCENES, ids=lambda scene: scene.name)
def shown(
    request: pytest.FixtureRequest, browser: Browser, stage_and_page: tuple[Stage, str]
) -> Shown:
    """Show a scene in both themes, on a desktop and on a phone."""
    scene: Scene = request.param
    stage, url = stage_and_page
    stage.show(scene.world)
    screenshots: dict[str, Image.Image] = {}
    findings: dict[str, list[str]] = {}
    context = browser.new_context(timezone_id="UTC", locale="en-US")
    page = context.new_page()
    open_scene(page, scene, url)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            screenshots[f"{scene.name}-{width}-{scheme}"] = pictures.take(page)
            if (width, height) == SIZES[0]:
                findings[scheme] = axe_findings(page)
    context.close()
    if FOLDER:
        for name, picture in screenshots.items():
            Path(FOLDER).mkdir(parents=True, exist_ok=True)
            picture.save(Path(FOLDER) / f"{name}.png")
    return Shown(scene, screenshots, findings)


def open_scene(page: Page, scene: Scene, url: str) -> None:
    width, height = SIZES[0]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=SCHEMES[0])
    page.goto(f"{url}/{scene.path}")
    page.get_by_role("heading", level=1).first.wait_for(timeout=30_000)
    settled(page)
    scene.act(page)
    settled(page)


def test_axe_finds_nothing(shown: Shown) -> None:
    assert shown.findings == {scheme: [] for scheme in SCHEMES}


def test_it_looks_as_its_reference(shown: Shown, browser: Browser) -> None:
    if not shown.scene.is_stable:
        pytest.skip("this state looks different each time: times, or charts that move")
    if MAKES_REFERENCES:
        for name, picture in shown.screenshots.items():
            pictures.store(picture, pictures.REFERENCES / f"{name}.png")
        pictures.MADE_BY.write_text(json.dumps(pictures.renderer(browser)) + "\n")
    drawn_by = pictures.stored_renderer()
    if drawn_by != pictures.renderer(browser):
        pytest.skip(f"the references were drawn by {drawn_by}: letters differ here")
    different = {
        name: share
        for name, picture in shown.screenshots.items()
        if (share := pictures.difference(picture, pictures.REFERENCES / f"{name}.png"))
        > pictures.MOST_DIFFERENT
    }
    assert different == {}, "look at make screenshots; make references if it should look so"
