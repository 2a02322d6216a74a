"""One visitor, from `make run` to Ctrl-C: draw, upload, retrain, roll back, watch, crash."""

import re
import signal
import statistics
import time
from collections.abc import Callable

import psutil
import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Visited, Wardrobe, is_served
from tests.support.browser import TROUSERS, answered, draw, settled, surface
from tests.support.processes import ROOT, call, wait_for

SCREENSHOTS = ROOT / "tests" / "output" / "screenshots"
PAGES = ("Classify", "Corrections", "Classes", "Retrain", "Models", "Metrics", "About")
STROKES = 20

WATCH_ANSWERS = """() => {
    window.waits = [];
    let lifted = 0, seen = document.querySelector('.answer').dataset.number;
    document.addEventListener('pointerup', () => { lifted = performance.now(); }, true);
    const record = () => {
        const answer = document.querySelector('.answer');
        if (!answer || !lifted || answer.dataset.number === seen) return;
        seen = answer.dataset.number;
        requestAnimationFrame(() => window.waits.push(performance.now() - lifted));
    };
    new MutationObserver(record).observe(
        document.body, {subtree: true, childList: true, attributes: true});
}"""


def open_page(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    settled(page)


def badge(page: Page) -> str:
    """Return the name of the version in the badge: v1."""
    text = page.locator(".st-key-badge .badge.ready").inner_text()
    match = re.search(r"v\d+", text)
    assert match is not None, text
    return match[0]


def requests_per_second(page: Page) -> float:
    """Return what the page says above the chart of requests."""
    return float(page.locator(".st-key-metrics_requests .chart-value").inner_text().split("/")[0])


def test_the_whole_way(
    wardrobe: Visited, page: Page, picture_of: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    page.goto(wardrobe.url)
    settled(page)
    first = badge(page)

    # Draw, and measure how long the answer takes from the end of a stroke.
    draw(page, TROUSERS)
    expect(answered(page, 1).locator(".label")).to_have_text("Trouser")
    page.evaluate(WATCH_ANSWERS)
    for number in range(STROKES):  # beside the trousers: each changes the picture
        x, y = (50, 390)[number % 2], 30 + 19 * number
        draw(page, [(x - 20, y), (x + 20, y + 5)], close=False)
        answered(page, number + 2)
    page.wait_for_function("count => window.waits.length === count", arg=STROKES)
    waits = sorted(page.evaluate("window.waits"))
    with capsys.disabled():
        print(
            f"\nstroke end to answer, {STROKES} strokes: "
            f"median {statistics.median(waits):.0f} ms, slowest {waits[-1]:.0f} ms"
        )

    # Upload a real test picture.
    page.get_by_role("tab", name="Upload").click()
    page.locator(".st-key-files input[type=file]").set_input_files(
        {"name": "boot.png", "mimeType": "image/png", "buffer": picture_of}
    )
    expect(page.locator(".st-key-upload_answer .label")).to_have_text("Ankle boot", timeout=15_000)

    # Retrain; a reload during the run finds it again; the new version goes live.
    open_page(page, "Retrain")
    page.get_by_role("button", name="Train a new version").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=15_000)
    page.reload()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("progressbar").first).to_be_visible(timeout=15_000)
    expect(page.get_by_text("is now live and replaces")).to_be_visible(timeout=240_000)
    expect(page.locator(".st-key-badge")).not_to_contain_text(first, timeout=15_000)
    second = badge(page)
    numbers = wardrobe.get("trainer", "/models/numbers")["numbers"]
    versions = {f"v{number}": version for version, number in numbers.items()}
    assert wardrobe.get("classifier", "/model")["tag"].endswith(f":{versions[second]}")

    # Roll back to the first version, and promote the second again.
    open_page(page, "Models")
    for name in (first, second):
        page.locator(f".st-key-promote_{versions[name]} button").click()
        expect(page.get_by_text(f"{name} is live on 2 workers")).to_be_visible(timeout=15_000)
        expect(page.locator(".st-key-badge")).to_contain_text(name, timeout=15_000)

    # See all of that on the Metrics page: a burst, and its requests in Prometheus.
    open_page(page, "Metrics")
    page.locator(".st-key-metrics_send button").click()
    expect(page.locator(".st-key-metrics_outcome")).to_contain_text(
        re.compile(r"500\sanswered"), timeout=60_000
    )
    wait_for(lambda: requests_per_second(page) > 1, 30, "traffic on the page")
    wait_for(lambda: pictures_counted(wardrobe) >= 500 + STROKES, 15, "the burst in Prometheus")


def pictures_counted(wardrobe: Visited) -> float:
    """Return the number of pictures that Prometheus has counted in forward passes."""
    answer = requests.get(
        f"{wardrobe.at('prometheus')}/api/v1/query",
        params={"query": 'sum(wardrobe_batch_images_sum{job="classifier"})'},
        timeout=10,
    ).json()
    return float(answer["data"]["result"][0]["value"][1])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_fit_the_screen(wardrobe: Wardrobe, browser: Browser, theme: str) -> None:
    """Nothing is wider than the screen. Saves screenshots to tests/output/screenshots."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(color_scheme="dark" if theme == "dark" else "light")
    page = context.new_page()
    for name in PAGES:
        page.goto(f"{wardrobe.url}/{'' if name == 'Classify' else name.lower()}")
        settled(page)
        if name == "Classify":
            expect(surface(page)).to_be_visible()
            draw(page, TROUSERS)
            answered(page, 1)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 2000})
            page.wait_for_timeout(1_000)  # charts draw themselves after the page has settled
            overhang = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            page.screenshot(path=SCREENSHOTS / f"{name.lower()}-{theme}-{width}.png")
            assert overhang <= 0, f"{name} is {overhang} pixels wider than {width}"
    context.close()


def fetched(url: str) -> Callable[[], bool]:
    def is_there() -> bool:
        try:
            return requests.get(url, timeout=5).ok
        except requests.RequestException:
            return False

    return is_there


def test_whatever_is_killed_comes_back_and_nothing_is_lost(
    wardrobe: Wardrobe, picture_of: bytes
) -> None:
    assert wardrobe.url
    trainer, classifier = wardrobe.at("trainer"), wardrobe.at("classifier")
    models = requests.get(f"{trainer}/models", timeout=10).json()
    runs = requests.get(f"{trainer}/runs", timeout=10).json()

    def classify() -> int:
        files = {"image": picture_of}
        return requests.post(f"{classifier}/classify", files=files, timeout=10).status_code

    for name, path in (
        ("prometheus", "/-/ready"),
        ("app", "/_stcore/health"),
        ("trainer", "/livez"),
    ):
        before = wardrobe.processes(name)
        before[0].send_signal(signal.SIGKILL)
        assert classify() == 200
        # Its workers outlive it for a moment, and still answer.
        psutil.wait_procs(before, 30)
        wait_for(fetched(wardrobe.at(name) + path), 30, f"{name} back")
        assert set(wardrobe.processes(name)).isdisjoint(before)

    worker = wardrobe.processes("classifier")[-1]
    worker.send_signal(signal.SIGKILL)
    for _ in range(10):
        assert classify() == 200
    psutil.wait_procs([worker], 10)
    wait_for(lambda: is_served(wardrobe), 60, "both workers serving")

    run_id = call("POST", trainer, "/runs", json={"recipe": "quick", "epochs": 500}).json()[
        "run_id"
    ]

    def run() -> dict[str, object]:
        answer: dict[str, object] = requests.get(f"{trainer}/runs/{run_id}", timeout=10).json()
        return answer

    wait_for(lambda: run()["phase"] == "training", 60, "training")
    pid = run()["pid"]
    [victim] = [it for it in wardrobe.processes() if it.pid == pid]
    victim.send_signal(signal.SIGKILL)
    wait_for(lambda: run()["state"] == "failed", 10, "the failure recorded")
    assert classify() == 200

    before = wardrobe.processes("classifier")
    before[0].send_signal(signal.SIGKILL)
    psutil.wait_procs(before, 30)
    wait_for(lambda: is_served(wardrobe), 60, "the classifier back")
    assert classify() == 200
    assert requests.get(f"{trainer}/models", timeout=10).json() == models
    assert requests.get(f"{trainer}/runs", timeout=10).json()["runs"][1:] == runs["runs"]


def test_ctrl_c_leaves_nothing_behind(
    wardrobe: Wardrobe, capsys: pytest.CaptureFixture[str]
) -> None:
    call("POST", wardrobe.at("trainer"), "/runs", json={"recipe": "quick", "epochs": 500})
    wait_for(lambda: len(wardrobe.processes("trainer")) > 2, 20, "a run")
    began = time.monotonic()
    wardrobe.interrupt()
    wardrobe.process.wait(15)
    assert wardrobe.processes() == []
    with capsys.disabled():
        print(f"\nCtrl-C during a training run: all gone after {time.monotonic() - began:.1f} s")
    for name in ("classifier", "trainer", "prometheus", "app"):
        with pytest.raises(requests.ConnectionError):
            requests.get(wardrobe.at(name), timeout=2)
