"""The page's response times, as a visitor in Chromium feels them.

    python -m tests.benchmarks.page [http://127.0.0.1:8501]

The page and its services have to run; it makes one training run and cancels it. Each time is
measured inside the browser, from the event of the visitor to the change in the document. Prints for
each part the median, the worst, and the number of tries.
"""

import statistics
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.browser import draw, launch, settled, surface

URL = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:8501"
COLD_LOADS, STROKES, ROUNDS = 5, 20, 3
PAGES = ("Corrections", "Classes", "Retrain", "Models", "Metrics", "Classify")

# From the next event of this kind to the frame in which `selector` matches `text`, anywhere below
# the document or the shadow roots in it. A page's policy forbids to compile code, so no conditions.
_MEASURE = """([event, selector, text]) => {
  const roots = (root) => [root, ...[...root.querySelectorAll("*")]
    .filter((one) => one.shadowRoot).flatMap((one) => roots(one.shadowRoot))];
  const isThere = () => roots(document).some((root) =>
    [...root.querySelectorAll(selector)].some((one) => one.textContent.includes(text)));
  window.measured = new Promise((resolve) => {
    document.addEventListener(event, () => {
      const start = performance.now();
      const look = () => {
        if (isThere()) resolve(performance.now() - start);
        else requestAnimationFrame(look);
      };
      look();
    }, { capture: true, once: true });
  });
}"""

_FIRST_CONTENT = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime"""


def measure(
    page: Page, act: Callable[[], None], selector: str, text: str = "", event: str = "click"
) -> float:
    """Return the milliseconds from the event that `act` causes until there is such an element."""
    page.evaluate(_MEASURE, [event, selector, text])
    act()
    milliseconds: float = page.evaluate("() => window.measured")
    return milliseconds


def cold_load(browser: Browser, foreign: set[str]) -> tuple[float, float]:
    """Return the milliseconds to the first content, and until one can draw."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    own = urlsplit(URL).netloc

    def note(url: str) -> None:
        host = urlsplit(url).netloc
        if host and host != own:
            foreign.add(host)

    page.on("request", lambda request: note(request.url))
    page.goto(URL, wait_until="commit")
    surface(page).wait_for(timeout=60_000)
    usable: float = page.evaluate("() => performance.now()")
    first: float = page.evaluate(_FIRST_CONTENT) or usable
    context.close()
    return first, usable


def strokes(page: Page) -> list[float]:
    """Return the milliseconds from the end of each stroke to its answer."""
    times = []
    for number in range(STROKES):
        left = 60 + (number % 5) * 70
        top = 60 + (number // 5) * 90

        def stroke(left: int = left, top: int = top) -> None:
            draw(page, [(left, top), (left + 40, top + 60)], close=False)

        answer = f'.answer[data-number="{number + 1}"]'
        times.append(measure(page, stroke, answer, event="pointerup"))
        page.wait_for_timeout(400)
    return times


def switches(page: Page) -> list[float]:
    """Return the milliseconds from each click in the menu to the page's title."""
    times = []
    for _ in range(ROUNDS):
        for name in PAGES:
            link = page.get_by_test_id("stTopNavLink").filter(has_text=name)
            title = "What is it?" if name == "Classify" else name
            times.append(measure(page, link.click, "h1", title))
            page.wait_for_timeout(1500)  # Metrics never rests
    return times


def first_progress(page: Page) -> float:
    """Return the milliseconds from the click that trains to the first progress."""
    page.goto(f"{URL}/retrain")
    start = page.locator(".st-key-train button")
    start.wait_for(timeout=30_000)
    settled(page)
    progress = measure(page, start.click, "[data-testid=stProgress]")
    page.get_by_role("button", name="Cancel").click()
    return progress


def report(name: str, times: list[float]) -> None:
    """Print one line of the table."""
    print(f"{name:34} {statistics.median(times):8.0f} {max(times):8.0f} {len(times):6}")


def main() -> None:
    """Measure every part."""
    foreign: set[str] = set()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        loads = [cold_load(browser, foreign) for _ in range(COLD_LOADS)]
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(URL)
        surface(page).wait_for(timeout=60_000)
        settled(page)
        answers = strokes(page)
        chosen = "[role=tab][aria-selected=true]"
        tabs = [
            measure(page, page.get_by_role("tab", name=name).click, chosen, name)
            for name in ("Upload", "Draw") * ROUNDS
        ]
        menu = switches(page)
        progress = first_progress(page)
        browser.close()
    print(f"{'milliseconds':34} {'median':>8} {'worst':>8} {'tries':>6}")
    report("cold load: first content", [first for first, _ in loads])
    report("cold load: one can draw", [usable for _, usable in loads])
    report("end of a stroke → answer", answers)
    report("tab → reaction", tabs)
    report("menu → title of the page", menu)
    report("click on retrain → progress", [progress])
    print(f"requests to other hosts: {', '.join(sorted(foreign)) or 'none'}")


if __name__ == "__main__":
    main()
