"""docker-compose.yml as it is, without the file that publishes more: who reaches what.

The tests are one story and run in this order.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import TROUSERS, answered, draw, settled
from tests.support.compose_stack import SERVICES, Stack, clone
from tests.support.processes import wait_for

pytestmark = pytest.mark.timeout(3600)

PASSWORD = "only for this test"  # noqa: S105
MEMORY = {"classifier": 3 << 30, "trainer": 4 << 30, "prometheus": 1 << 30, "app": 1 << 30}
"""The limits in docker-compose.yml, in bytes."""

INSIDE = """
import json, sys, requests
method, url, token, body = json.loads(sys.argv[1])
headers = {"Authorization": f"Bearer {token}"} if token else {}
sent = requests.request(method, url, headers=headers, json=body, timeout=10)
print(json.dumps([sent.status_code, sent.text]))
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Wardrobe from empty volumes with one password, as somebody shares it."""
    stack = Stack(
        clone(tmp_path_factory.mktemp("clone") / "wardrobe"),
        project="wardrobe-shared-test",
        files=["docker-compose.yml"],
        settings={"OPERATOR_PASSWORD": PASSWORD, "LOGIN": ""},
    )
    stack.compose("down", "--volumes")
    stack.up("--build")
    yield stack
    stack.compose("down", "--volumes")


def ask(
    stack: Stack, method: str, url: str, role: str | None = None, body: Any = None
) -> tuple[int, str]:
    """The code and text of an answer to a request from another container in the network."""
    request = json.dumps([method, url, role and stack.tokens[role], body])
    status, text = json.loads(stack.compose("exec", "-T", "app", "python", "-c", INSIDE, request))
    return int(status), str(text)


def newest_run(stack: Stack) -> dict[str, Any]:
    """The record of the newest run."""
    text = ask(stack, "GET", "http://trainer:3002/runs", "viewer")[1]
    run: dict[str, Any] = json.loads(text)["runs"][0]
    return run


def log_in(page: Page, url: str, secret: str) -> None:
    page.goto(url)
    page.get_by_label("Password").fill(secret)
    page.get_by_role("button", name="Log in").click()


def test_only_the_page_is_published(shared: Stack) -> None:
    published = {
        name: [port for port, at in shared.inspect(name)["NetworkSettings"]["Ports"].items() if at]
        for name in SERVICES
    }
    assert published == {"classifier": [], "trainer": [], "prometheus": [], "app": ["8501/tcp"]}


def test_the_page_takes_the_password_and_nothing_else(shared: Stack, page: Page) -> None:
    log_in(page, shared.url, "not the password")
    expect(page.get_by_text("This is no password or access token of a role.")).to_be_visible()
    log_in(page, shared.url, PASSWORD)
    settled(page)
    expect(page.locator(".st-key-badge .badge.ready")).to_be_visible(timeout=15_000)
    expect(page.locator(".st-key-visitor")).to_contain_text("operator")


def test_an_operator_corrects_retrains_and_promotes(shared: Stack, page: Page) -> None:
    log_in(page, shared.url, shared.tokens["operator"])
    settled(page)
    badge = page.locator(".st-key-badge")
    first = badge.locator(".badge.ready").inner_text().split()[0]
    draw(page, TROUSERS)
    expect(answered(page, 1).locator(".label")).to_have_text("Trouser")
    prompt = page.locator(".st-key-pad_feedback")
    prompt.get_by_role("button", name="That's right").click()
    expect(prompt).to_contain_text("Saved as trouser.", timeout=15_000)

    page.get_by_role("link", name="Retrain", exact=True).first.click()
    settled(page)
    page.locator(".st-key-recipe").get_by_text("quick", exact=True).click()
    page.get_by_role("button", name="Train a new version").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=30_000)
    wait_for(lambda: newest_run(shared)["ended_at"], 240, "the run's end")
    assert newest_run(shared)["state"] == "succeeded"

    page.get_by_role("link", name="Models", exact=True).first.click()
    settled(page)
    models = json.loads(ask(shared, "GET", "http://trainer:3002/models", "viewer")[1])["models"]
    other = next(it for it in models if not it["champion"])
    page.locator(f".st-key-promote_{other['version']} button").click()
    message = page.get_by_text(f"v{other['number']} is live on 2 workers")
    expect(message).to_be_visible(timeout=15_000)
    assert first in {f"v{it['number']}" for it in models}

    run = newest_run(shared)
    assert (run["actor"], run["config"]["recipe"]) == ("operator", "quick")
    stored = json.loads(ask(shared, "GET", "http://trainer:3002/corrections", "viewer")[1])
    assert stored["corrections"][0]["actor"] == "operator"


@pytest.mark.parametrize("service", ["http://classifier:3000", "http://trainer:3002"])
def test_inside_the_network_a_service_asks_for_a_token(shared: Stack, service: str) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert ask(shared, "GET", service + path)[0] == 200
    path = "/model" if "classifier" in service else "/models"
    assert ask(shared, "GET", service + path)[0] == 401
    assert ask(shared, "GET", service + path, "viewer")[0] == 200


def test_a_viewers_token_starts_no_run(shared: Stack) -> None:
    runs = "http://trainer:3002/runs"
    before = ask(shared, "GET", runs, "viewer")
    assert ask(shared, "POST", runs, None, {"recipe": "quick"})[0] == 401
    assert ask(shared, "POST", runs, "viewer", {"recipe": "quick"})[0] == 403
    assert ask(shared, "GET", runs, "viewer") == before


def test_prometheus_scrapes_both_services(shared: Stack) -> None:
    def targets() -> dict[str, str]:
        text = ask(shared, "GET", "http://prometheus:9090/api/v1/query?query=up")[1]
        found = json.loads(text)["data"]["result"]
        return {it["metric"]["job"]: it["value"][1] for it in found}

    expected = {"classifier": "1", "trainer": "1", "prometheus": "1"}
    wait_for(lambda: targets() == expected, 20, "all being scraped")


@pytest.mark.parametrize("name", ["classifier", "trainer"])
def test_counters_are_in_memory(shared: Stack, name: str) -> None:
    found = shared.compose("exec", "-T", name, "find", "/dev/shm", "/data", "-name", "*.db")
    counters = [it for it in found.splitlines() if not it.endswith("corrections.db")]
    assert counters
    assert all(it.startswith("/dev/shm/") for it in counters)


def test_the_page_sees_the_tokens_and_no_other_state(shared: Stack) -> None:
    mounts = {it["Destination"]: it["RW"] for it in shared.inspect("app")["Mounts"]}
    assert mounts == {"/tokens": False}
    listed = shared.compose("exec", "-T", "trainer", "stat", "-c", "%a", "/tokens/tokens.json")
    assert listed == "600"


@pytest.mark.parametrize("name", SERVICES)
def test_its_memory_is_limited_and_enough(shared: Stack, name: str) -> None:
    described = shared.inspect(name)
    assert described["HostConfig"]["Memory"] == MEMORY[name]
    assert not described["State"]["OOMKilled"]
    assert described["RestartCount"] == 0


def test_without_a_log_in_the_page_opens(shared: Stack, page: Page) -> None:
    shared.settings["LOGIN"] = "off"
    shared.up("app")
    page.goto(shared.url)
    settled(page)
    expect(page.locator(".st-key-badge .badge.ready")).to_be_visible(timeout=15_000)
