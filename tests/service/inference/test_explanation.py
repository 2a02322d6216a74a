"""Why an answer: the classifier's explanations of real pictures, and what they leave alone."""

import asyncio
import base64
import io
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import pytest
import requests
from PIL import Image

from service.http.errors import ApiError
from service.inference.champion import Champion
from service.inference.explanation import NEAREST, NO_EXAMPLES, Explainer
from tests.support.processes import Home
from training.data import fashion_mnist
from training.model.png import encode_png
from training.store import versions

PNG = {"Content-Type": "image/png"}


def ask(url: str, call: str, picture: bytes, **query: str) -> Any:
    answer = requests.post(f"{url}/{call}", data=picture, headers=PNG, params=query, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def pixels(png: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


def counted(url: str) -> float:
    """How many predictions the metrics have counted."""
    text = requests.get(f"{url}/metrics", timeout=10).text
    return sum(map(float, re.findall(r"^wardrobe_predictions_total\{.*\} (\S+)$", text, re.M)))


def test_an_explanation_has_the_answer_the_nearest_pictures_and_what_counts(
    classifier_url: str, test_set: fashion_mnist.Split
) -> None:
    trouser = test_set.images[test_set.labels == 1][0].numpy()
    found = ask(classifier_url, "explain", encode_png(trouser))

    assert found["answer"] == ask(classifier_url, "classify", encode_png(trouser))
    assert found["detail"] is None
    assert np.array_equal(pixels(found["picture"]), trouser)
    labels = [it["label"] for it in found["nearest"]]
    assert len(labels) == NEAREST
    assert labels.count("Trouser") >= 4
    assert {it["correction"] for it in found["nearest"]} == {False}
    similarities = [it["similarity"] for it in found["nearest"]]
    assert similarities == sorted(similarities, reverse=True)
    assert pixels(found["nearest"][0]["png"]).shape == (28, 28)
    importance = np.array(found["importance"])
    assert importance.shape == (28, 28)
    assert np.abs(importance).max() == 1
    assert not importance[trouser == 0].any()


def test_what_counts_most_is_what_the_answer_hangs_on(
    classifier_url: str, test_set: fashion_mnist.Split
) -> None:
    """The class loses more without what counts most than without what counts least."""
    lost = []
    for image in test_set.images[:10].numpy():
        found = ask(classifier_url, "explain", encode_png(image))
        label, before = found["answer"]["label"], found["answer"]["confidence"]
        importance, shown = np.array(found["importance"]), np.flatnonzero(image)
        by_importance = shown[importance.ravel()[shown].argsort()]
        for some in (by_importance[-60:], by_importance[:60]):
            without = image.copy()
            without.ravel()[some] = 0
            after = ask(classifier_url, "classify", encode_png(without))["probabilities"][label]
            lost.append(before - after)

    assert sum(lost[0::2]) > sum(lost[1::2]) + 1


def test_a_crop_is_explained_alone(classifier_url: str) -> None:
    page = Image.new("RGB", (400, 200), "white")
    page.paste("navy", (20, 40, 180, 160))
    page.paste("black", (290, 10, 310, 190))
    file = io.BytesIO()
    page.save(file, "PNG")
    found = ask(classifier_url, "explain", file.getvalue(), crop="0,0,0.5,1")
    assert found["answer"] == ask(classifier_url, "classify", file.getvalue(), crop="0,0,0.5,1")
    assert found["picture"] != ask(classifier_url, "explain", file.getvalue())["picture"]


def test_explanations_are_not_in_the_metrics(classifier_url: str, picture_of: bytes) -> None:
    before = counted(classifier_url)
    ask(classifier_url, "explain", picture_of)
    ask(classifier_url, "classify", picture_of)
    assert counted(classifier_url) == before + 1


# --- Without a server ----------------------------------------------------------------------------


class OneModel:
    """A champion that does not change."""

    def __init__(self, model: versions.Model) -> None:
        self._model = model

    def ready_model(self) -> versions.Model:
        """Return the model."""
        return self._model


@pytest.fixture
def explainer(home: Home, monkeypatch: pytest.MonkeyPatch) -> Explainer:
    monkeypatch.setenv("WARDROBE_HOME", str(home.path))
    model = versions.load((home.path / "champion").read_text().strip())
    return Explainer(cast("Champion", OneModel(model)))


def explained(explainer: Explainer, pictures: list[bytes]) -> list[Any]:
    """Explanations that are asked for at once, or the exceptions in their places."""

    async def call() -> list[Any]:
        calls = (explainer.explain(one) for one in pictures)
        return await asyncio.gather(*calls, return_exceptions=True)

    with ThreadPoolExecutor(1) as thread:  # Playwright's event loop runs in this one
        return thread.submit(asyncio.run, call()).result(60)


def test_only_a_few_are_made_at_a_time(explainer: Explainer, picture_of: bytes) -> None:
    found = explained(explainer, [picture_of] * 10)
    refused = [it for it in found if isinstance(it, ApiError)]
    assert [it.status for it in refused] == [503, 503]
    assert len([it for it in found if isinstance(it, dict)]) == 8
    assert isinstance(explained(explainer, [picture_of])[0], dict)


def test_a_version_without_examples_says_so_and_what_counts_all_the_same(
    explainer: Explainer, picture_of: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "load_examples", lambda _: None)
    [found] = explained(explainer, [picture_of])
    assert (found["nearest"], found["detail"]) == (None, NO_EXAMPLES)
    assert np.abs(found["importance"]).max() == 1
