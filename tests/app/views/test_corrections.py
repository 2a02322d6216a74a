"""The Corrections page in a real browser: filter, change, delete, undo, export, import."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.app.conftest import DISAGREEMENT
from tests.support.app.correction_store import label, state
from tests.support.browser import settled
from tests.support.processes import call


@pytest.fixture
def gallery(page: Page, app_url: str, some_corrections: list[int]) -> Iterator[Page]:
    """Open the Corrections page; the browser must not report an error."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{app_url}/corrections")
    settled(page)
    expect(card(page, some_corrections[-1])).to_be_visible(timeout=15_000)
    yield page
    assert errors == []


def card(page: Page, number: int) -> Locator:
    return page.locator(f".st-key-gallery li[data-id='{number}']")


def notice(page: Page) -> Locator:
    return page.locator(".st-key-gallery .notice")


def undo(page: Page) -> None:
    notice(page).get_by_role("button", name="Undo").click()


def test_each_card_shows_the_answer_and_why_it_is_not_used(
    gallery: Page, some_corrections: list[int]
) -> None:
    new, accepted, suspicious, _, conflicting = some_corrections
    expect(card(gallery, new)).to_contain_text("The model said Shirt")
    expect(card(gallery, accepted)).to_contain_text("The model agreed")
    expect(card(gallery, suspicious)).to_contain_text("It looks like Shirt.")
    expect(card(gallery, conflicting)).to_contain_text("The same picture is also labelled Bag.")
    expect(card(gallery, conflicting).get_by_role("button", name="Accept")).to_be_hidden()
    picture = card(gallery, new).get_by_role("img")
    assert picture.evaluate("image => image.naturalWidth") == 28


def test_delete_and_undo(gallery: Page, some_corrections: list[int], trainer_url: str) -> None:
    number = some_corrections[2]
    card(gallery, number).get_by_role("button", name="Delete").click()
    expect(notice(gallery)).to_contain_text(f"Deleted #{number} (Bag).")
    expect(card(gallery, number)).to_have_count(0)
    assert label(trainer_url, number) is None
    undo(gallery)
    expect(card(gallery, number)).to_contain_text("It looks like Shirt.")
    assert label(trainer_url, number) == "Bag"


def test_relabel_and_undo(gallery: Page, some_corrections: list[int], trainer_url: str) -> None:
    number = some_corrections[1]
    card(gallery, number).get_by_role("combobox").select_option("Dress")
    expect(notice(gallery)).to_contain_text(f"Changed #{number} from Coat to Dress.")
    assert label(trainer_url, number) == "Dress"
    undo(gallery)
    expect(notice(gallery)).to_contain_text(f"Changed #{number} back to Coat.")
    expect(card(gallery, number)).to_contain_text("Accepted")


def test_two_with_the_same_label_are_merged_until_that_is_undone(
    gallery: Page, some_corrections: list[int], trainer_url: str
) -> None:
    first, second = some_corrections[3:]
    card(gallery, second).get_by_role("combobox").select_option("Bag")
    expect(notice(gallery)).to_contain_text(f"Merged #{second} into #{first}")
    expect(card(gallery, first)).to_contain_text("New")
    undo(gallery)
    expect(card(gallery, second)).to_contain_text("Conflicting labels")
    assert label(trainer_url, second) == "Shirt"


def test_one_that_needs_review_is_accepted(gallery: Page, some_corrections: list[int]) -> None:
    number = some_corrections[2]
    card(gallery, number).get_by_role("button", name="Accept").click()
    expect(card(gallery, number)).to_contain_text("Accepted")
    expect(card(gallery, number)).not_to_contain_text("It looks like")


def test_a_disagreement_is_labelled_as_one_version_answered_and_undone(
    page: Page, app_url: str, trainer_url: str, a_disagreement: int
) -> None:
    page.goto(f"{app_url}/corrections?state=review_requested")
    one = card(page, a_disagreement)
    expect(one).to_contain_text("Models disagree", timeout=30_000)
    expect(one).to_contain_text(DISAGREEMENT)
    expect(one.locator("select option:checked")).to_have_text("Choose a class")
    one.get_by_role("button", name=f"Label #{a_disagreement} as Coat").click()
    expect(notice(page)).to_contain_text(f"Saved #{a_disagreement} as Coat.")
    expect(one).to_have_count(0)
    assert state(trainer_url, a_disagreement) == "accepted"
    undo(page)
    expect(one).to_contain_text(DISAGREEMENT)
    assert state(trainer_url, a_disagreement) == "review_requested"


@pytest.mark.parametrize("answer", ["Coat", "Sneaker"])
def test_a_disagreement_is_labelled_with_any_class(
    page: Page, app_url: str, trainer_url: str, a_disagreement: int, answer: str
) -> None:
    page.goto(f"{app_url}/corrections?state=review_requested")
    card(page, a_disagreement).get_by_role("combobox").select_option(answer, timeout=30_000)
    expect(notice(page)).to_contain_text(f"Saved #{a_disagreement} as {answer}.")
    assert state(trainer_url, a_disagreement) == "new"
    assert label(trainer_url, a_disagreement) == answer
    page.get_by_role("radio", name="All").click()
    expect(card(page, a_disagreement).locator("select option:checked")).to_have_text(answer)


def test_the_keyboard_is_at_undo_after_a_deletion(
    gallery: Page, some_corrections: list[int]
) -> None:
    number = some_corrections[0]
    card(gallery, number).get_by_role("button", name="Delete").focus()
    gallery.keyboard.press("Enter")
    expect(notice(gallery).get_by_role("button", name="Undo")).to_be_focused()
    gallery.keyboard.press("Enter")
    expect(card(gallery, number)).to_be_visible()


def test_corrections_are_filtered_by_state_and_class(
    gallery: Page, some_corrections: list[int]
) -> None:
    suspicious, coat = some_corrections[2], some_corrections[1]
    gallery.get_by_role("radio", name="Needs review").click()
    expect(card(gallery, coat)).to_have_count(0)
    expect(card(gallery, suspicious)).to_be_visible()
    gallery.get_by_role("radio", name="All").click()
    gallery.locator(".st-key-corrections_class").click()
    gallery.get_by_role("option", name="Coat").click()
    expect(card(gallery, suspicious)).to_have_count(0)
    expect(card(gallery, coat)).to_be_visible()


def test_the_url_selects_the_state(page: Page, app_url: str, some_corrections: list[int]) -> None:
    suspicious, coat = some_corrections[2], some_corrections[1]
    page.goto(f"{app_url}/corrections?state=quarantined")
    settled(page)
    expect(card(page, suspicious)).to_be_visible(timeout=15_000)
    expect(page.get_by_text("Training skips them unless you accept them.")).to_be_visible()
    expect(card(page, coat)).to_have_count(0)
    page.get_by_role("radio", name="Accepted").click()
    expect(card(page, coat)).to_be_visible()
    assert page.url.endswith("/corrections?state=accepted")
    page.get_by_role("radio", name="All").click()
    expect(card(page, suspicious)).to_be_visible()
    assert page.url.endswith("/corrections")


def test_all_are_exported_and_imported(
    gallery: Page, some_corrections: list[int], trainer_url: str, tmp_path: Path
) -> None:
    with gallery.expect_download() as download:
        gallery.get_by_role("button", name="Export all").click()
    archive = tmp_path / download.value.suggested_filename
    download.value.save_as(archive)
    assert archive.name == "corrections.zip"
    with zipfile.ZipFile(archive) as files:
        assert f"pictures/{some_corrections[0]}.png" in files.namelist()
    call("DELETE", trainer_url, f"/corrections/{some_corrections[0]}")
    gallery.locator(".st-key-import_folded summary").click()
    gallery.get_by_label("file upload").set_input_files(archive)
    gallery.get_by_role("button", name="Import", exact=True).click()
    expect(gallery.get_by_text("1 added;")).to_be_visible()
    assert label(trainer_url, some_corrections[0]) == "Bag"
