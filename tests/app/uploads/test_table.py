"""The table of uploaded pictures in a real browser, on scripted services."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from tests.app.conftest import page_beside, scripted_server
from tests.support.app.uploads import BLANK, SURE, UNKNOWN, UNSURE, UploadServices, upload_of
from tests.support.browser import axe_findings, settled
from tests.support.scripted_server import ScriptedServer

PICTURES = {"sure": SURE, "blank": BLANK, "unsure": UNSURE, "unknown": UNKNOWN}

_HAND_OVER = """([kind, name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (it) => it.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type: "image/png" }));
  const how = { bubbles: true, cancelable: true };
  document.querySelector("h1").dispatchEvent(
    kind === "paste"
      ? new ClipboardEvent("paste", { clipboardData: files, ...how })
      : new DragEvent("drop", { dataTransfer: files, ...how }),
  );
}"""
"""Drops or pastes a file on the title of the page."""


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def url(server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server.answer = UploadServices().answer
    folder = tmp_path_factory.mktemp("app")
    with page_beside(server.url, server.url, folder, server.url) as url:
        yield url


@pytest.fixture
def services(server: ScriptedServer) -> UploadServices:
    services = UploadServices()
    server.answer = services.answer
    return services


def open_tab(page: Page, url: str) -> None:
    page.goto(url)
    settled(page)
    page.get_by_role("tab", name="Upload").click()


def upload_all(page: Page) -> None:
    files: list[FilePayload] = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": upload_of(brightness)}
        for name, brightness in PICTURES.items()
    ]
    page.locator(".st-key-upload_files input[type=file]").set_input_files(files)
    expect(page.get_by_text("3 pictures classified")).to_be_visible(timeout=30_000)
    settled(page)


def row(page: Page, name: str) -> Locator:
    name_of_the_file = page.get_by_text(f"{name}.png", exact=True)
    return page.locator(".st-key-pictures li", has=name_of_the_file)


def test_what_needs_a_persons_eye_comes_first_and_says_so(
    page: Page, url: str, services: UploadServices
) -> None:
    open_tab(page, url)
    upload_all(page)
    names = page.locator(".st-key-pictures li .name").all_inner_texts()
    assert names == ["unknown.png", "unsure.png", "blank.png", "sure.png"]
    expect(row(page, "unknown")).to_contain_text("Unknown")
    expect(row(page, "unsure")).to_contain_text("Unsure")
    expect(row(page, "blank")).to_contain_text("There is nothing to see.")
    expect(row(page, "sure")).to_contain_text("90.0 % sure")
    expect(row(page, "sure").get_by_role("img")).to_have_count(2)
    expect(row(page, "blank").get_by_role("button")).to_have_count(0)
    expect(row(page, "unknown").get_by_role("button", name="that's right")).to_have_count(0)
    # Streamlit's file chooser violates this rule by itself.
    assert not axe_findings(page, besides="presentation-role-conflict")


def test_rows_are_corrected_one_by_one_and_several_at_once(
    page: Page, url: str, services: UploadServices
) -> None:
    open_tab(page, url)
    upload_all(page)
    row(page, "sure").get_by_role("button", name="that's right").click()
    expect(row(page, "sure")).to_contain_text("Saved as bag.")
    page.get_by_label("Select unknown.png").check()
    page.get_by_label("Select unsure.png").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_label("Class of the selected pictures").select_option("Shirt")
    page.get_by_role("button", name="Save", exact=True).click()
    for name in ("unknown", "unsure"):
        expect(row(page, name)).to_contain_text("Saved as shirt.")
    taught = [(one["label"], one["predicted"], one["source"]) for one in services.taught]
    assert taught[0] == ("Bag", "Bag", "upload")
    assert sorted(taught[1:]) == [("Shirt", "Coat", "upload"), ("Shirt", "Dress", "upload")]

    row(page, "sure").get_by_role("button", name="Undo").click()
    expect(row(page, "sure").get_by_label("Class of sure.png", exact=True)).to_be_visible()
    assert services.deleted == ["/corrections/1"]
    expect(row(page, "unsure")).to_contain_text("Saved as shirt.")


def test_a_correction_that_cannot_be_saved_says_so_and_can_be_tried_again(
    page: Page, url: str, services: UploadServices, server: ScriptedServer
) -> None:
    open_tab(page, url)
    upload_all(page)
    answer = services.answer
    server.answer = lambda request: (
        (500, "application/json", b'{"error": "The disk is full."}')
        if request[:2] == ("POST", "/corrections")
        else answer(request)
    )
    row(page, "unsure").get_by_label("Class of unsure.png", exact=True).select_option("Shirt")
    expect(row(page, "unsure")).to_contain_text("Not saved. The disk is full.")
    server.answer = answer
    row(page, "unsure").get_by_label("Class of unsure.png", exact=True).select_option("Shirt")
    expect(row(page, "unsure")).to_contain_text("Saved as shirt.")
    expect(row(page, "unsure")).not_to_contain_text("Not saved.")


def test_on_a_phone_rows_are_cards_and_nothing_is_cut(
    browser: Browser, url: str, services: UploadServices
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    open_tab(page, url)
    upload_all(page)
    for part in row(page, "unsure").locator("img, p, button, select").all():
        box = part.bounding_box()
        assert box is None or 0 <= box["x"] <= box["x"] + box["width"] <= 390
    expect(row(page, "unsure")).to_contain_text("40.0 % sure")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted_anywhere_on_the_tab(
    page: Page, url: str, services: UploadServices, way: str
) -> None:
    picture = [way, "bag.png", base64.b64encode(upload_of(SURE)).decode()]
    page.goto(url)
    settled(page)
    page.evaluate(_HAND_OVER, picture)  # the other tab takes no pictures
    page.get_by_role("tab", name="Upload").click()
    expect(page.get_by_role("button", name="Try all")).to_be_visible()
    page.evaluate(_HAND_OVER, picture)
    expect(page.locator(".st-key-upload_answer .label")).to_have_text("Bag", timeout=30_000)
    expect(page.locator(".st-key-upload_name")).to_have_text("bag.png")


def test_pictures_stay_when_the_visitor_comes_back_from_another_page(
    page: Page, url: str, services: UploadServices
) -> None:
    open_tab(page, url)
    upload_all(page)
    page.get_by_role("link", name="Corrections", exact=True).click()
    expect(page.get_by_role("heading", name="Corrections", exact=True)).to_be_visible()
    page.get_by_role("link", name="Classify", exact=True).click()
    page.get_by_role("tab", name="Upload").click()
    expect(row(page, "unknown")).to_be_visible()
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_role("button", name="Try all")).to_be_visible()
    expect(page.locator(".st-key-pictures li")).to_have_count(0)
