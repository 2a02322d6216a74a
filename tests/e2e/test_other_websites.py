"""A hostile page in the visitor's browser, beside a running Wardrobe: nothing changes or is read.

It is served by another server: under another port of this machine, under a name of its own, and,
as after DNS rebinding, under a name of its own on Wardrobe's ports.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.e2e.conftest import Wardrobe
from tests.support.browser import launch, settled
from tests.support.processes import ROOT
from tests.support.services.correction_calls import new_picture

NAME = "evil.example"
ATTACK = (ROOT / "tests" / "support" / "attacker.js").read_text()
SETTLE_MS = 3_000
"""Time for blind requests to have their effect."""


class HostilePage(BaseHTTPRequestHandler):
    """An empty page, whatever is asked: the tests run the attack in it."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>Kittens</title><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    """The port of the attacker's server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), HostilePage)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def started(trained: Wardrobe) -> Wardrobe:
    """A running Wardrobe with a model, a run and a correction."""
    store_something(trained)
    return trained


def as_operator(wardrobe: Wardrobe) -> dict[str, str]:
    """The header of a program with the operator's token."""
    tokens = json.loads((wardrobe.home / "tokens.json").read_text())
    return {"Authorization": f"Bearer {tokens['operator']}"}


def store_something(wardrobe: Wardrobe) -> None:
    """A cancelled run and a correction, which the attacker may want."""
    url, headers = wardrobe.at("trainer"), as_operator(wardrobe)
    run = {"recipe": "quick", "epochs": 1}
    run_id = requests.post(f"{url}/runs", json=run, headers=headers, timeout=30).json()["run_id"]
    requests.post(f"{url}/runs/{run_id}/cancel", headers=headers, timeout=30)
    correction = {"files": {"image": new_picture()}, "data": {"label": "Bag"}}
    answer = requests.post(f"{url}/corrections", headers=headers, timeout=30, **correction)  # type: ignore[arg-type]
    assert answer.status_code == 201, answer.text


def state(wardrobe: Wardrobe) -> dict[str, Any]:
    """Everything that an attack could change, without what changes by itself."""
    url = wardrobe.at("trainer")
    calls = ("/runs", "/models", "/shadow", "/corrections")
    found = {call: requests.get(url + call, timeout=30).json() for call in calls}
    audit = wardrobe.home / "audit.jsonl"
    lines = audit.read_text().splitlines() if audit.exists() else []
    let_through = [line for line in lines if json.loads(line)["status"] not in (401, 403)]
    champion = (wardrobe.home / "champion").read_text()
    return {**found, "audit": let_through, "champion": champion}


def attack(page: Page, wardrobe: Wardrobe, targets: dict[str, str]) -> list[str]:
    """Run the attack in a page; returns what it could read."""
    found = state(wardrobe)
    stored = {
        "run": found["/runs"]["runs"][0]["run_id"],
        "version": found["champion"].strip().partition(":")[2],
        "correction": found["/corrections"]["corrections"][0]["id"],
    }
    read: list[str] = page.evaluate(ATTACK, {"targets": targets, "stored": stored})
    page.wait_for_timeout(SETTLE_MS)
    return read


@pytest.fixture(scope="module")
def fooled_browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium in a network where the attacker's name leads to this machine."""
    browser = launch(playwright, f"--host-resolver-rules=MAP {NAME} 127.0.0.1")
    yield browser
    browser.close()


@pytest.fixture
def visitor(fooled_browser: Browser, started: Wardrobe) -> Iterator[BrowserContext]:
    """A visitor's browser, which has the page open, and its cookies."""
    context = fooled_browser.new_context()
    page = context.new_page()
    page.goto(started.url)
    settled(page)
    yield context
    context.close()


def targets(wardrobe: Wardrobe, host: str = "127.0.0.1") -> dict[str, str]:
    """The addresses of all processes under a host name."""
    names = ("classifier", "trainer", "app", "prometheus")
    return {name: wardrobe.at(name).replace("127.0.0.1", host) for name in names}


@pytest.mark.browser
@pytest.mark.parametrize("host", [NAME, "127.0.0.1", "localhost"])
def test_a_page_of_another_origin_changes_and_reads_nothing(
    visitor: BrowserContext, started: Wardrobe, other_port: int, host: str
) -> None:
    before = state(started)
    page = visitor.new_page()
    page.goto(f"http://{host}:{other_port}/")

    read = attack(page, started, targets(started))

    assert read == []
    assert state(started) == before
    shown = [frame.url for frame in page.frames if "Wardrobe" in frame.content()]
    assert not shown, "framed"


@pytest.mark.browser
@pytest.mark.parametrize("name", ["classifier", "trainer", "app", "prometheus"])
def test_a_name_that_was_pointed_here_is_refused(
    visitor: BrowserContext, started: Wardrobe, name: str
) -> None:
    before = state(started)
    page = visitor.new_page()
    own = targets(started, NAME)

    answer = page.goto(own[name] + "/api/v1/query?query=up" if name == "prometheus" else own[name])
    read = attack(page, started, dict.fromkeys(own, own[name]))

    assert answer is not None
    assert answer.status in (403, 421)
    assert len(answer.body()) < 1_000
    assert [it for it in read if '{"error":' not in it and "not answer under" not in it] == []
    assert state(started) == before
