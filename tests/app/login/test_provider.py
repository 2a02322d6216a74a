"""People log in at a real OpenID Connect provider, in a real browser, and work side by side."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import oidc_provider_mock
import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.app.conftest import page_beside
from tests.support.browser import TROUSERS, answered, draw, surface
from tests.support.processes import call

PEOPLE: dict[str, dict[str, object]] = {
    "vera": {"email": "vera@shop.example", "groups": ["shop"]},
    "tom": {"email": "tom@shop.example", "groups": ["shop", "labels"]},
    "olga": {"email": "Olga@Shop.example", "groups": []},
    "nobody": {"email": "nobody@elsewhere.example", "groups": []},
    "liar": {"email": "olga@shop.example", "email_verified": False, "groups": []},
}


@pytest.fixture(scope="module")
def page_url(
    classifier_url: str, trainer_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The page behind a provider, at the name that its redirect address has."""
    users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in PEOPLE.items()]
    folder = tmp_path_factory.mktemp("provider")
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as provider:
        issuer = f"http://localhost:{provider.server_port}"
        with page_beside(
            classifier_url,
            trainer_url,
            folder,
            OIDC_METADATA_URL=f"{issuer}/.well-known/openid-configuration",
            OIDC_CLIENT_ID="wardrobe",
            OIDC_CLIENT_SECRET="a secret of the provider",  # noqa: S106
            VIEWERS="group:shop",
            TEACHERS="group:labels",
            OPERATORS="olga@shop.example",
        ) as url:
            yield url.replace("127.0.0.1", "localhost")


def shown(address: str) -> re.Pattern[str]:
    """An e-mail address as Markdown shows it: a word joiner, unseen, keeps it from being a link."""
    return re.compile(re.escape(address).replace("@", "@\u2060?"))


@contextmanager
def logged_in(browser: Browser, url: str, person: str) -> Iterator[Page]:
    """A browser of its own, in which this person has logged in."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name=person, exact=True).click()  # at the provider
    page.wait_for_url(f"{url}/")
    yield page
    context.close()


def log_out(page: Page) -> None:
    """Log out here and at the provider."""
    page.locator(".st-key-visitor button").click()
    page.get_by_role("button", name="Log out").click()
    end_session(page)


def end_session(page: Page) -> None:
    """Confirm the log-out at the provider, once its page is there."""
    page.get_by_role("button", name="End session").click()


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page.locator("h1")).to_have_text(name, timeout=30_000)


def test_nothing_is_shown_before_the_log_in(browser: Browser, page_url: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    for path in ("", "corrections", "retrain", "models", "metrics"):
        page.goto(f"{page_url}/{path}")
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        expect(page.get_by_role("link", name="Retrain")).to_have_count(0)
        expect(page.locator(".badge")).to_have_count(0)
    context.close()


@pytest.mark.parametrize("person", ["nobody", "liar"])
def test_who_has_no_role_is_told_so_and_can_log_out(
    browser: Browser, page_url: str, person: str
) -> None:
    with logged_in(browser, page_url, person) as page:
        expect(page.get_by_role("heading", name="No role yet")).to_be_visible()
        expect(page.get_by_text(shown(str(PEOPLE[person]["email"])))).to_be_visible()
        expect(page.get_by_role("link", name="Retrain")).to_have_count(0)
        page.get_by_role("button", name="Log out").click()
        end_session(page)
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_viewer_looks_and_a_teacher_corrects_at_the_same_time(
    browser: Browser, page_url: str, trainer_url: str
) -> None:
    with (
        logged_in(browser, page_url, "vera") as viewer,
        logged_in(browser, page_url, "tom") as teacher,
    ):
        expect(viewer.locator(".st-key-visitor")).to_contain_text(shown("vera@shop.example"))
        expect(teacher.locator(".st-key-visitor")).to_contain_text(shown("tom@shop.example"))
        for page in (viewer, teacher):
            expect(surface(page)).to_be_visible(timeout=30_000)
            draw(page, TROUSERS)
            answered(page, 1)
        expect(viewer.get_by_text("Correcting an answer needs the role teacher.")).to_be_visible()
        expect(viewer.get_by_role("button", name="That's right")).to_have_count(0)
        teacher.get_by_role("button", name="That's right").click()
        expect(teacher.get_by_text("Saved as")).to_be_visible()

        open_tab(viewer, "Corrections")
        card = viewer.locator(".gallery li").first
        expect(card).to_contain_text("by tom@shop.example")
        expect(card.get_by_role("button", name="Delete")).to_have_count(0)
        expect(card.get_by_role("combobox")).to_be_disabled()
        expect(viewer.locator(".st-key-import_folded")).to_have_count(0)
        with viewer.expect_download() as download:
            viewer.get_by_role("button", name="Export all").click()
        assert Path(download.value.path()).stat().st_size > 100

        for page in (viewer, teacher):
            open_tab(page, "Retrain")
            expect(page.get_by_text("Training needs the role operator.")).to_be_visible()
            expect(page.get_by_role("button", name="Train a new version")).to_be_disabled()
            open_tab(page, "Models")
            expect(page.get_by_text("Promoting a version needs the role operator.")).to_be_visible()

        log_out(viewer)
        expect(viewer.get_by_role("heading", name="Log in")).to_be_visible()
        expect(teacher.locator(".st-key-visitor")).to_contain_text(shown("tom@shop.example"))

    newest = requests.get(f"{trainer_url}/corrections", params={"limit": 1}, timeout=10).json()
    assert newest["corrections"][0]["actor"] == "tom@shop.example"


def test_an_operator_starts_a_run_that_names_the_operator(
    browser: Browser, page_url: str, trainer_url: str
) -> None:
    with logged_in(browser, page_url, "olga") as page:
        open_tab(page, "Retrain")
        expect(page.get_by_text("needs the role")).to_have_count(0)
        page.get_by_text("quick", exact=True).click()
        page.get_by_role("button", name="Train a new version").click()
        expect(page.get_by_role("button", name="Cancel")).to_be_enabled(timeout=20_000)
        run = requests.get(f"{trainer_url}/runs", timeout=10).json()["runs"][0]
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", name="All runs")).to_have_count(1, timeout=20_000)
        expect(page.get_by_role("button", name="Train a new version")).to_be_enabled(timeout=20_000)
    call("POST", trainer_url, f"/runs/{run['run_id']}/cancel")

    assert run["actor"] == "Olga@Shop.example"
