"""Screenshots: taken once a page is still, stored small, compared with a tolerance."""

import io
import json
import platform
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page, expect

REFERENCES = Path(__file__).parents[2] / "app" / "visual" / "references"
MADE_BY = REFERENCES / "made-by.json"
"""What draws letters and lines: another one draws a little differently."""

COLOURS = 64
MOST_DIFFERENT = 0.004
"""The share of pixels that may differ from a reference."""

_FAR = 72
"""Of 255: a difference of a pixel that counts. Stored pictures have few colours."""

_PORTS = r"""() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const fixed = text.data.replace(/(127\.0\.0\.1):\d+/g, "$1:3000");
    if (text.data !== fixed) text.data = fixed;
  }
}"""


def take(page: Page) -> Image.Image:
    """Take a screenshot once all is loaded and two in a row are equal, or after a few tries."""
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=20_000)
    before = None
    for _ in range(8):
        page.evaluate(_PORTS)  # of scripted services, a new one each time
        png = page.screenshot(animations="disabled")
        if png == before:
            break
        before = png
        page.wait_for_timeout(150)
    return Image.open(io.BytesIO(png)).convert("RGB")


def store(picture: Image.Image, path: Path) -> None:
    """Write a picture with few colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(COLOURS).save(path, optimize=True)


def difference(picture: Image.Image, path: Path) -> float:
    """Return the share of pixels, 0..1, that are not those of the stored picture."""
    stored = Image.open(path).convert("RGB")
    if stored.size != picture.size:
        return 1.0
    strongest = ImageChops.difference(stored, picture).convert("L")
    histogram = strongest.histogram()
    return sum(histogram[_FAR:]) / sum(histogram)


def renderer(browser: Browser) -> dict[str, str]:
    """Return what draws the pages here."""
    return {"chromium": browser.version.partition(".")[0], "system": platform.system()}


def stored_renderer() -> dict[str, str] | None:
    """Return what drew the references, None if there are none."""
    return json.loads(MADE_BY.read_text()) if MADE_BY.exists() else None
