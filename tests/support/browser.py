"""Actions of a visitor in the browser: wait for a page, draw on the pad, read the answer."""

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

PAD_WIDTH = 448
"""Of the pad's coordinates, whatever its width on the screen."""

TROUSERS = [(150, 24), (298, 24), (322, 424), (252, 424), (224, 150), (196, 424), (126, 424)]

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """Headless Chromium: the one that `tests/install-chromium.sh` named, else Playwright's."""
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    return playwright.chromium.launch(
        executable_path=chromium if Path(chromium).exists() else None,
        args=[*_ARGUMENTS, *arguments],
    )


def settled(page: Page) -> None:
    """Return once Streamlit has run the page and is connected."""
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED", timeout=30_000)


def surface(page: Page) -> Locator:
    """What is drawn on."""
    return page.locator(".st-key-pad .surface canvas")


def draw(page: Page, points: list[tuple[int, int]], *, close: bool = True) -> None:
    """A stroke with the mouse, through points of the pad."""
    box = surface(page).bounding_box()
    assert box is not None
    scale = box["width"] / PAD_WIDTH
    path = [*points, points[0]] if close else points
    for number, (x, y) in enumerate(path):
        page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=4)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def answered(page: Page, number: int) -> Locator:
    """The answer to the pad's change with this number, once it is there."""
    answer = page.locator(f'.answer[data-number="{number}"]')
    expect(answer).to_be_visible(timeout=15_000)
    return answer


def open_choices(prompt: Locator) -> None:
    """Show all classes below an answer. Without a model they are open."""
    expect(prompt.get_by_text("We'll save this")).to_be_visible(timeout=15_000)
    other = prompt.locator("button[name=other]")
    if other.is_visible() and other.get_attribute("aria-expanded") == "false":
        other.click()


def choose_class(prompt: Locator, name: str) -> None:
    """Save the picture with a class: the answer's, the one taught last, or another one."""
    open_choices(prompt)
    right = prompt.get_by_role("button", name=name, exact=True)
    confirm = prompt.get_by_role("button", name="That's right")
    (right if right.is_visible() else confirm).click()


def axe_findings(page: Page, besides: str = "-") -> list[str]:
    """Return the violations that axe finds once the page is drawn, besides those of one rule."""
    found = _axe_findings_now(page, besides)
    for _ in range(20):  # charts have no name, and new parts are pale, until they are drawn
        if not found:
            break
        page.wait_for_timeout(500)
        found = _axe_findings_now(page, besides)
    return found


def _axe_findings_now(page: Page, besides: str) -> list[str]:
    """Return the violations at this moment, with the first element of each."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['failureSummary']}"
        for one in violations
        if one["id"] != besides
    ]
