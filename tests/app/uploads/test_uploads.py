"""Uploads in a real browser: many photos, files that are none, names, a restart of the page."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

import settings
from tests.app.conftest import page_beside
from tests.support.app.pages import READY
from tests.support.browser import settled
from tests.support.processes import free_port
from tests.support.scripted_server import Request, ScriptedServer, json_answer

PHOTOS = 6
"""They have more bytes than one call of the page may have: MAX_UPLOAD_MB, 10 MB."""

PASSWORD = "only for this test"  # noqa: S105


def upload(page: Page, *files: FilePayload | Path) -> None:
    page.get_by_role("tab", name="Upload").click()
    page.locator(".st-key-files input[type=file]").set_input_files(files)  # type: ignore[arg-type]


def payload(name: str, data: bytes, media_type: str = "image/png") -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": data}


@pytest.fixture(scope="module")
def photo() -> bytes:
    """A JPEG of a coat on a light wall, of about 2.5 MB as phones make them: its wall has grain."""
    pixels = np.random.default_rng(0).normal(205, 20, (2200, 1700, 3))
    pixels[350:1900, 450:1250] -= 150
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=94)
    assert 2_000_000 < len(file.getvalue()) < 4_000_000
    return file.getvalue()


def test_many_large_photos_are_all_answered_beside_files_that_are_none(
    page: Page, app_url: str, photo: bytes, unknown_dds: bytes, tmp_path: Path
) -> None:
    photos = [f"IMG_{n}.jpg" for n in range(PHOTOS)]
    files = dict.fromkeys(photos, photo) | {"a.dds": unknown_dds, "cv.pdf": b"%PDF-1.7"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    page.goto(app_url)
    upload(page, *(tmp_path / name for name in files))

    expect(page.get_by_text(f"{PHOTOS} pictures")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("2 files could not be read.")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    with page.expect_download() as download:
        page.locator(".st-key-csv button").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    rows = {row["file"]: row for row in csv.DictReader(io.StringIO(text))}
    assert len({rows[name]["label"] for name in photos}) == 1
    assert rows["a.dds"]["problem"].endswith(".")
    assert rows["cv.pdf"]["problem"].startswith("This is a PDF document")


def test_a_document_alone_is_told_what_it_is(page: Page, app_url: str) -> None:
    page.goto(app_url)
    upload(page, payload("cv.pdf", b"%PDF-1.7", "application/pdf"))
    answer = page.locator(".st-key-upload_answer")
    expect(answer).to_contain_text("This is a PDF document, not a picture.", timeout=30_000)
    expect(page.get_by_text("encountered an error")).to_have_count(0)


@pytest.mark.parametrize(
    "name", ["*new* ~~old~~ :red[sale] :smile: bag.png", "[a](https://evil.example) $x$ -> b.png"]
)
def test_a_file_name_is_shown_as_it_is(
    page: Page, app_url: str, trousers: bytes, name: str
) -> None:
    page.goto(app_url)
    upload(page, payload(name, trousers))
    caption = page.locator(".st-key-upload_name p")
    expect(caption).to_be_visible(timeout=30_000)
    assert caption.inner_text().replace("\u2060", "") == name
    assert caption.locator("a, em, del, span[class*=color], .katex").count() == 0


def test_after_a_restart_of_the_page_an_upload_says_why_it_has_no_answer(
    page: Page, classifier_url: str, trainer_url: str, trousers: bytes, tmp_path: Path
) -> None:
    port = free_port()
    with page_beside(classifier_url, trainer_url, tmp_path, port=port) as url:
        page.goto(url)
        upload(page, payload("jeans.png", trousers))
        expect(page.locator(".st-key-upload_answer .label")).to_be_visible(timeout=30_000)
    with page_beside(classifier_url, trainer_url, tmp_path, port=port):
        warning = page.get_by_text("The page was restarted and lost files")
        expect(warning).to_be_visible(timeout=60_000)
        expect(page.get_by_text("jeans.png").first).to_be_visible()
        upload(page, payload("jeans.png", trousers))
        expect(page.locator(".st-key-upload_answer .label")).to_be_visible(timeout=30_000)


def test_the_classifier_is_told_the_role_of_who_uploads_many(
    page: Page, scripted: ScriptedServer, trousers: bytes, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.touch(0o600)
    tokens.write_text(json.dumps({role: f"token of a {role}" for role in settings.ROLES}))
    answer = {"label": "Bag", "confidence": 0.9, "probabilities": {"Bag": 0.9}, "model": "m:abc"}

    def reply(request: Request) -> tuple[int, str, bytes]:
        many = request[1] == "/classify_many"
        return json_answer([answer] * request[2].count(b'name="images"') if many else READY)

    scripted.answer = reply
    with page_beside(
        scripted.url, scripted.url, tmp_path, scripted.url, VIEWER_PASSWORD=PASSWORD
    ) as url:
        page.goto(url)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        settled(page)
        upload(page, payload("a.png", trousers), payload("b.png", trousers))
        expect(page.get_by_text("2 pictures")).to_be_visible(timeout=30_000)
    sent = {header for path, header in scripted.authorizations if path == "/classify_many"}
    assert sent == {"Bearer token of a viewer"}
