"""Photos on the Upload tab: the mask, the frame by mouse and by keyboard, the camera."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import axe_findings, settled
from tests.support.pictures import encoded
from tests.support.samples import photos

_SEEN = "document.querySelector('.st-key-upload_answer img')?.getAttribute('src')"
"""What the model sees, as the page shows it."""


@pytest.fixture
def uploaded(page: Page, app_url: str, tmp_path: Path) -> Page:
    file = tmp_path / "jeans.heic"
    file.write_bytes(photos.heic(photos.trousers()))
    page.goto(app_url)
    page.get_by_role("tab", name="Upload").click()
    page.locator(".st-key-files input[type=file]").set_input_files(file)
    expect(page.locator(".st-key-upload_answer .label")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Dimmed: left out")).to_be_visible(timeout=30_000)
    return page


def test_a_frame_is_dragged_moved_by_keys_and_reset(uploaded: Page) -> None:
    page = uploaded
    frame, reset = page.locator(".crop .frame"), page.get_by_role("button", name="Reset")
    whole = page.evaluate(_SEEN)
    expect(reset).to_be_disabled()
    box = page.locator(".crop .surface").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    assert "80 % wide and 40 % high" in (frame.get_attribute("aria-label") or "")
    page.wait_for_function(f"before => ({_SEEN}) !== before", arg=whole)
    upper = page.evaluate(_SEEN)
    frame.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowDown")
    assert "48 % high" in (frame.get_attribute("aria-label") or "")
    page.wait_for_function(f"before => ({_SEEN}) !== before", arg=upper)
    settled(page)
    # Streamlit's file chooser violates this rule by itself.
    assert not axe_findings(page, besides="presentation-role-conflict")
    reset.click()
    page.wait_for_function(f"before => ({_SEEN}) === before", arg=whole)


def test_a_drawing_has_no_mask(page: Page, app_url: str, tmp_path: Path) -> None:
    file = tmp_path / "drawing.png"
    file.write_bytes(encoded(photos.silhouette()))
    page.goto(app_url)
    page.get_by_role("tab", name="Upload").click()
    page.locator(".st-key-files input[type=file]").set_input_files(file)
    expect(page.locator(".st-key-upload_answer .label")).to_be_visible(timeout=60_000)
    settled(page)
    expect(page.get_by_text("Dimmed: left out")).to_have_count(0)


def test_the_camera_starts_when_it_is_chosen(browser: Browser, app_url: str) -> None:
    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia ="
        " () => { window.asked = true; return new Promise(() => {}); }"
    )
    page.goto(app_url)
    page.get_by_role("tab", name="Upload").click()
    settled(page)
    assert not page.evaluate("window.asked")
    page.get_by_text("Camera", exact=True).click()
    expect(page.get_by_test_id("stCameraInput")).to_be_visible(timeout=30_000)
    page.wait_for_function("window.asked")
    context.close()
