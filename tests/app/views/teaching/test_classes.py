"""The Classes page, mostly in a real browser: add, rename, merge, delete, undo."""

import io
import secrets

import pytest
import requests
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from app.login import visitor
from tests.support.app import trainer_json
from tests.support.app.pages import READY, open_page, page_text, run_json, script_services
from tests.support.browser import axe_findings, settled
from tests.support.processes import call
from tests.support.scripted_server import ScriptedServer


def listed(trainer_url: str) -> dict[str, int]:
    """Return the number of pictures of each class."""
    found = requests.get(f"{trainer_url}/classes", timeout=10).json()["classes"]
    return {one["name"]: one["pictures"]["usable"] for one in found}


def teach(trainer_url: str, label: str) -> None:
    """Save a picture of noise with this class."""
    png = io.BytesIO()
    Image.frombytes("L", (28, 28), secrets.token_bytes(784)).save(png, "PNG")
    files = {"image": ("noise.png", png.getvalue(), "image/png")}
    answer = call("POST", trainer_url, "/corrections", files=files, data={"label": label})
    assert answer.status_code == 201


@pytest.fixture
def manage(page: Page, app_url: str, an_own_class: str, trainer_url: str) -> Page:
    """Open the page; there is one own class, with one picture."""
    teach(trainer_url, an_own_class)
    page.goto(f"{app_url}/classes")
    expect(card(page, an_own_class)).to_contain_text("1 picture", timeout=30_000)
    settled(page)
    return page


def card(page: Page, name: str) -> Locator:
    return page.locator("[class*=st-key-class_]").filter(has_text=name)


def opened(page: Page, name: str) -> Locator:
    """Open the dialog that changes a class."""
    page.get_by_role("button", name=f"Edit {name}", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    settled(page)
    return dialog


def undo(page: Page) -> None:
    page.locator(".st-key-classes_change").get_by_role("button", name="Undo").click()


def test_a_class_is_added_with_what_it_needs_and_markup_is_only_text(
    manage: Page, trainer_url: str
) -> None:
    name = f"Top (4/4) & {secrets.token_hex(4)}"
    field = manage.get_by_role("textbox", name="Name of the new class")
    field.fill(name)
    field.press("Enter")
    expect(card(manage, name)).to_contain_text("0 pictures · 10 more needed to train it")
    expect(card(manage, name)).to_contain_text("No version knows it yet")
    assert listed(trainer_url)[name] == 0


def test_a_name_that_is_refused_stays_with_the_reason(
    manage: Page, an_own_class: str, trainer_url: str
) -> None:
    before = listed(trainer_url)
    field = manage.get_by_role("textbox", name="Name of the new class")
    field.fill(an_own_class.upper())
    field.press("Enter")
    expect(manage.get_by_role("alert")).to_contain_text("choose another name")
    expect(field).to_have_value(an_own_class.upper())
    assert listed(trainer_url) == before


def test_a_class_is_renamed_and_that_is_undone(
    manage: Page, an_own_class: str, trainer_url: str
) -> None:
    new = f"Cap {secrets.token_hex(4)}"
    dialog = opened(manage, an_own_class)
    dialog.get_by_role("textbox", name="Name").fill(new)
    dialog.get_by_role("button", name="Rename").click()
    expect(card(manage, new)).to_contain_text("1 picture")
    expect(card(manage, new)).to_contain_text(f"also {an_own_class}")
    expect(dialog).to_have_count(0)
    manage.reload()  # the offer to undo outlives a visit
    undo(manage)
    expect(manage.get_by_role("button", name=f"Edit {an_own_class}")).to_be_visible()
    assert new not in listed(trainer_url)


def test_a_class_is_merged_into_another_and_that_is_undone(
    manage: Page, an_own_class: str, trainer_url: str
) -> None:
    bags = listed(trainer_url)["Bag"]
    dialog = opened(manage, an_own_class)
    merge = dialog.get_by_role("button", name="Merge")
    merge.click()
    expect(dialog.get_by_role("alert")).to_contain_text("Choose the other class first.")
    dialog.get_by_role("combobox").click()
    manage.get_by_role("option", name="Bag", exact=True).click()
    merge.click()
    expect(manage.locator(".st-key-classes_change")).to_contain_text(
        f"{an_own_class} was merged into Bag"
    )
    assert listed(trainer_url)["Bag"] == bags + 1
    undo(manage)
    expect(card(manage, an_own_class)).to_contain_text("1 picture")
    assert listed(trainer_url)["Bag"] == bags


def test_a_class_is_deleted_and_that_is_undone(
    manage: Page, an_own_class: str, trainer_url: str
) -> None:
    opened(manage, an_own_class).get_by_role("button", name="Delete").click()
    expect(card(manage, an_own_class)).to_have_count(0)
    assert an_own_class not in listed(trainer_url)
    undo(manage)
    expect(card(manage, an_own_class)).to_contain_text("1 picture")
    assert listed(trainer_url)[an_own_class] == 1


def test_a_viewer_sees_the_classes_and_changes_none(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = {"id": 3, "what": "Hut was renamed to Hat.", "time": "2026-01-02T03:04:05+00:00"}
    found = trainer_json.classes({"Hat": 12}, changes=[change], versions=["abc"])
    script_services(scripted, monkeypatch, run_json("cancelled"), READY, classes=found)
    at = open_page("classes")
    assert {"classes_undo", "add_class", "edit_Hat"} <= {button.key for button in at.button}
    monkeypatch.setattr(visitor, "current", lambda: visitor.Visitor("vera", "viewer"))
    at = open_page("classes")
    text = page_text(at)
    assert "<strong>Hat</strong><span>12 pictures, 2 of them for testing</span>" in text
    assert "Known by abc" in text
    assert "<b>Live</b>" in text
    assert "Changing classes needs the role teacher. Yours is viewer." in [
        caption.value for caption in at.caption
    ]
    assert not {"classes_undo", "add_class", "edit_Hat"} & {button.key for button in at.button}
    assert not at.text_input


def test_fifty_classes_are_no_room_for_another(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = trainer_json.classes({f"Thing {number}": 0 for number in range(40)})
    script_services(scripted, monkeypatch, run_json("cancelled"), READY, classes=found)
    at = open_page("classes")
    assert "There are 50 classes, and no room for more." in page_text(at)
    assert not at.text_input


def test_axe_finds_nothing_in_the_dialog(manage: Page, an_own_class: str) -> None:
    opened(manage, an_own_class)
    assert axe_findings(manage) == []
