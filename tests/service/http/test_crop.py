"""The part of a picture that a request asks for: the answer is that of the part alone."""

import io
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import pytest
import requests
from PIL import Image

from tests.support.pictures import encoded, shoe
from tests.support.processes import Server
from tests.support.services.correction_calls import send

RIGHT_HALF = "0.5,0,0.5,1"


def page() -> Image.Image:
    """Two articles side by side; the shoe is the right one."""
    both = Image.new("L", (600, 300), 255)
    both.paste(shoe().convert("L").rotate(90).resize((300, 300)), (0, 0))
    both.paste(shoe().convert("L").resize((300, 300)), (300, 0))
    return both


PAGE = encoded(page())
PART = encoded(page().crop((300, 0, 600, 300)))


def probabilities(answer: requests.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["probabilities"]


def test_a_part_is_classified_as_if_it_were_the_picture(
    classifier_url: str, tmp_path: Path
) -> None:
    url = f"{classifier_url}/classify"
    alone = probabilities(requests.post(url, files={"image": PART}, timeout=30))
    by_query = requests.post(
        url,
        params={"crop": RIGHT_HALF},
        data=PAGE,
        headers={"Content-Type": "image/png"},
        timeout=30,
    )
    by_field = requests.post(url, files={"image": PAGE}, data={"crop": RIGHT_HALF}, timeout=30)
    assert probabilities(by_query) == probabilities(by_field) == alone
    assert probabilities(requests.post(url, files={"image": PAGE}, timeout=30)) != alone
    file = tmp_path / "page.png"
    file.write_bytes(PAGE)
    with bentoml.SyncHTTPClient(classifier_url) as client:
        by_client = client.classify(image=file, crop=RIGHT_HALF)
    assert by_client["probabilities"] == alone


def test_the_preview_shows_the_part(classifier_url: str) -> None:
    def seen(data: bytes, **crop: str) -> np.ndarray:
        answer = requests.post(
            f"{classifier_url}/preview", files={"image": data}, params=crop, timeout=30
        )
        return np.asarray(Image.open(io.BytesIO(answer.content)))

    assert np.array_equal(seen(PAGE, crop=RIGHT_HALF), seen(PART))
    assert not np.array_equal(seen(PAGE), seen(PART))


def test_a_correction_keeps_the_part(trainer: Server) -> None:
    whole = send(trainer, PAGE, "Bag", crop=RIGHT_HALF)
    again = send(trainer, PART, "Bag")
    assert whole.status_code in (200, 201), whole.text
    assert again.json()["id"] == whole.json()["id"]


@pytest.mark.parametrize("crop", ["1,2,3", "0,0,2,1", "left"])
def test_a_crop_that_cannot_be_is_refused_with_a_sentence(classifier_url: str, crop: str) -> None:
    for call in ("classify", "preview"):
        answer = requests.post(
            f"{classifier_url}/{call}", files={"image": PAGE}, params={"crop": crop}, timeout=30
        )
        assert answer.status_code == 400
        assert "Send left,top,width,height" in answer.json()["error"]
