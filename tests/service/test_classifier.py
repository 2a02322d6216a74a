"""What the classifier answers, on real test pictures and a really trained model."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from service.http.middleware import RESPONSES_PER_CLOSE
from training import evaluation
from training.data import fashion_mnist
from training.model.preprocess import preprocess
from training.store import versions

ANSWER_KEYS = {
    "label", "idx", "confidence", "probabilities", "known", "familiarity", "model"
}  # fmt: skip


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.fixture
def model(wardrobe_home: Path, monkeypatch: pytest.MonkeyPatch) -> versions.Model:
    monkeypatch.setenv("WARDROBE_HOME", str(wardrobe_home))
    return versions.load(versions.champion() or "")


def test_the_same_probabilities_offline_and_over_http(
    classifier_url: str, model: versions.Model, test_set: fashion_mnist.Split
) -> None:
    offline = evaluation.predict(model.network, test_set.images[:50]).numpy()
    for image, expected in zip(test_set.images[:50].numpy(), offline, strict=True):
        answer = requests.post(
            f"{classifier_url}/classify",
            data=png(image),
            headers={"Content-Type": "image/png"},
            timeout=10,
        ).json()
        assert set(answer) == ANSWER_KEYS
        assert list(answer["probabilities"].values()) == pytest.approx(expected.tolist(), abs=1e-5)
        assert answer["idx"] == expected.argmax()
        assert answer["label"] == model.class_names[answer["idx"]]
        assert answer["confidence"] == answer["probabilities"][answer["label"]]
        assert answer["model"] == model.tag


@pytest.mark.parametrize("form", ["npy", "multipart"])
def test_the_test_set_over_http_gives_the_accuracy_of_the_metadata(
    classifier_url: str, model: versions.Model, test_set: fashion_mnist.Split, form: str
) -> None:
    images = test_set.images.numpy()
    if form == "npy":
        body: dict[str, object] = {
            "data": npy(images),
            "headers": {"Content-Type": "application/x-npy"},
        }
    else:
        body = {"files": [("images", png(image)) for image in images]}
    answers = requests.post(f"{classifier_url}/classify_many", timeout=60, **body).json()  # type: ignore[arg-type]
    hits = sum(
        answer["idx"] == label
        for answer, label in zip(answers, test_set.labels.tolist(), strict=True)
    )
    described = requests.get(f"{classifier_url}/model", timeout=10).json()
    assert hits / 10_000 == described["metadata"]["accuracy"]
    assert described["tag"] == model.tag


def test_raw_and_multipart_bodies_give_the_same_answer(
    classifier_url: str, test_set: fashion_mnist.Split
) -> None:
    picture = png(test_set.images[0].numpy())
    url = f"{classifier_url}/classify"
    raw = requests.post(url, data=picture, headers={"Content-Type": "image/png"}, timeout=10)
    form = requests.post(url, files={"image": ("shoe.png", picture)}, timeout=10)
    assert raw.json() == form.json()


def test_preview_shows_what_the_model_sees(classifier_url: str) -> None:
    page = Image.new("RGB", (300, 200), "white")
    page.paste("navy", (50, 40, 250, 160))
    file = io.BytesIO()
    page.save(file, "PNG")
    answer = requests.post(
        f"{classifier_url}/preview", files={"image": file.getvalue()}, timeout=10
    )
    assert answer.headers["Content-Type"] == "image/png"
    seen = Image.open(io.BytesIO(answer.content))
    assert seen.size == (28, 28)
    assert np.array_equal(np.asarray(seen), preprocess(page))


def test_no_pictures_give_no_answers(classifier_url: str) -> None:
    answer = requests.post(
        f"{classifier_url}/classify_many",
        data=npy(np.zeros((0, 28, 28), dtype=np.uint8)),
        headers={"Content-Type": "application/x-npy"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()) == (200, [])


def test_one_bad_picture_does_not_spoil_64_good_ones(
    classifier_url: str, test_set: fashion_mnist.Split
) -> None:
    good = [png(image) for image in test_set.images[:64].numpy()]
    files = [*good[:32], good[32][:-40], *good[32:]]
    answers = requests.post(
        f"{classifier_url}/classify_many",
        files=[("images", file) for file in files],
        timeout=30,
    ).json()
    assert [set(answer) == ANSWER_KEYS for answer in answers] == [True] * 32 + [False] + [True] * 32
    assert "damaged or cut off" in answers[32]["error"]

    def one(file: bytes) -> int:
        url = f"{classifier_url}/classify"
        return requests.post(url, files={"image": file}, timeout=30).status_code

    with ThreadPoolExecutor(16) as clients:  # their requests share batches
        codes = list(clients.map(one, files))
    assert codes == [200] * 32 + [400] + [200] * 32


def test_a_client_that_stays_is_asked_now_and_then_to_connect_anew(
    classifier_url: str, test_set: fashion_mnist.Split
) -> None:
    """So that the workers share the clients; no answer is lost by it."""
    picture = png(test_set.images[0].numpy())
    with requests.Session() as client:
        answers = [
            client.post(
                f"{classifier_url}/classify",
                data=picture,
                headers={"Content-Type": "image/png"},
                timeout=10,
            )
            for _ in range(RESPONSES_PER_CLOSE)
        ]
    assert {answer.status_code for answer in answers} == {200}
    assert "close" in {answer.headers.get("Connection") for answer in answers}


def test_each_worker_says_what_it_serves(classifier_url: str, model: versions.Model) -> None:
    described = requests.get(f"{classifier_url}/model", timeout=10).json()
    assert [worker["tag"] for worker in described["workers"]] == [model.tag] * 2
    assert described["serving"] == {model.tag: 2}
    assert described["class_names"] == list(model.class_names)
    text = requests.get(f"{classifier_url}/metrics", timeout=10).text
    assert f'wardrobe_model_loaded{{model="{model.tag}"}} 2' in text
    assert requests.get(f"{classifier_url}/readyz", timeout=10).status_code == 200


def test_requests_that_wait_together_share_a_forward_pass(
    classifier_url: str, test_set: fashion_mnist.Split
) -> None:
    def batches() -> tuple[float, float]:
        lines = requests.get(f"{classifier_url}/metrics", timeout=10).text.splitlines()
        figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        count, total = (figures[f"wardrobe_batch_images_{it}"] for it in ("count", "sum"))
        return float(count), float(total)

    picture = png(test_set.images[0].numpy())

    def send(session: requests.Session) -> None:
        for _ in range(50):
            answer = session.post(f"{classifier_url}/classify", files={"image": picture}, timeout=9)
            assert answer.status_code == 200

    passes, images = batches()
    with ThreadPoolExecutor(32) as clients:
        list(clients.map(send, [requests.Session() for _ in range(32)]))
    passes_after, images_after = batches()
    assert images_after - images == 32 * 50
    assert passes_after - passes < images_after - images
