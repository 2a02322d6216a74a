"""Scrapes of a real classifier: live pictures, and the baseline of the version that it serves."""

import io
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes import Home, MakeHome, Server, wait_for
from tests.support.services.stored_versions import drop_checksums
from training.data import fashion_mnist
from training.store import tags

NPY = {"Content-Type": "application/x-npy"}
REFUSED = ((b"", "image/png"), (b"a shoe", "text/plain"), (bytes(10_000_001), "image/png"))
"""Bodies that are answered by 400, 415 and 413."""

VERSIONS = 10
MAX_SCRAPE_BYTES = 200_000


@pytest.fixture(scope="module")
def own(make_home: MakeHome, home: Home) -> Home:
    """A folder with ten versions, one of which has no baseline."""
    own = make_home()
    own.take_models_of(home)
    folder = own.path / "models" / tags.MODEL_NAME
    first = (own.path / "champion").read_text().strip().partition(":")[2]
    for number in range(1, VERSIONS):
        copy = folder / f"copy{number}"
        shutil.copytree(folder / first, copy)
        description = (copy / "model.yaml").read_text().replace(first, copy.name)
        if number == 1:  # as in versions of earlier code
            description = description.replace("  baseline:", "  something_else:")
            (copy / "accuracy_estimator.pt").unlink()
            (copy / "familiarity.pt").unlink()
        (copy / "model.yaml").write_text(description)
        if number == 1:
            drop_checksums(copy)
    return own


@pytest.fixture(scope="module")
def classifier(own: Home) -> Iterator[Server]:
    server = own.serve("classifier", CLASSIFIER_WORKERS="2")
    wait_for(lambda: sum(server.get("/model")["serving"].values()) == 2, what="two workers")
    yield server
    server.stop()


def promote(own: Home, classifier: Server, version: str) -> None:
    tag = tags.to_tag(version)
    (own.path / "champion").write_text(f"{tag}\n")
    wait_for(lambda: classifier.get("/model")["serving"] == {tag: 2}, what=f"{tag} served")


def scrape(classifier: Server) -> str:
    return requests.get(f"{classifier.url}/metrics", timeout=10).text


def values(text: str, name: str, label: str) -> dict[str, float]:
    """Return a metric's values by one label, summed over the others."""
    found: dict[str, float] = {}
    for labels, value in re.findall(rf"^{name}{{(.*)}} (\S+)$", text, re.MULTILINE):
        [key] = re.findall(rf'{label}="([^"]*)"', labels)
        found[key] = found.get(key, 0) + float(value)
    return found


def answers(classifier: Server, images: np.ndarray) -> list[dict[str, Any]]:
    file = io.BytesIO()
    np.save(file, images)
    found: list[dict[str, Any]] = classifier.post(
        "/classify_many", data=file.getvalue(), headers=NPY
    ).json()
    return found


def classify(classifier: Server, images: np.ndarray) -> list[str]:
    return [one["label"] for one in answers(classifier, images)]


def test_a_scrape_is_valid_and_has_each_metric_once(own: Home, classifier: Server) -> None:
    promote(own, classifier, "copy5")
    families = list(text_string_to_metric_families(scrape(classifier)))
    assert [name for name, n in Counter(it.name for it in families).items() if n > 1] == []
    gauges = {it.name: {frozenset(sample.labels) for sample in it.samples} for it in families}
    assert gauges["wardrobe_model_loaded"] == {frozenset({"model"})}
    assert gauges["wardrobe_shadow_workers"] == set()
    assert gauges["wardrobe_baseline_predictions"] == {frozenset({"label", "model"})}
    assert gauges["wardrobe_baseline_brightness"] == {frozenset({"range"})}


def test_live_pictures_are_counted_in_the_ranges_of_the_baseline(
    own: Home, classifier: Server, test_set: fashion_mnist.Split
) -> None:
    promote(own, classifier, "copy2")
    before = scrape(classifier)
    images = test_set.images[:1_000].numpy()
    labels: Counter[str] = Counter()
    for start in range(0, 1_000, 50):
        labels.update(classify(classifier, images[start : start + 50]))
    after = scrape(classifier)

    def counted(name: str, label: str) -> dict[str, float]:
        old = values(before, name, label)
        return {key: value - old.get(key, 0) for key, value in values(after, name, label).items()}

    assert counted("wardrobe_predictions_total", "label") == {
        name: labels.get(name, 0) for name in values(after, "wardrobe_predictions_total", "label")
    }
    bright = counted("wardrobe_brightness_total", "range")
    means = images.mean(axis=(1, 2))
    assert bright.keys() == values(after, "wardrobe_baseline_brightness", "range").keys()
    assert bright["0-33"] == (means <= 33).sum()
    assert bright["118-255"] == (means > 118).sum()
    assert sum(bright.values()) == 1_000


def test_pictures_of_a_load_test_are_in_no_metric_of_the_models_health(
    own: Home, classifier: Server, test_set: fashion_mnist.Split
) -> None:
    promote(own, classifier, "copy5")

    def counted() -> dict[str, float]:
        """Return each series of counters but those of requests."""
        counters = r"^(wardrobe_\w+(?:_total|_count)(?:{.*})?) (\S+)$"
        found = re.findall(counters, scrape(classifier), re.MULTILINE)
        return {series: float(value) for series, value in found}

    before = counted()
    file = io.BytesIO()
    np.save(file, test_set.images[:50].numpy())
    load_test = {"Wardrobe-Load-Test": "1"}
    many = classifier.post("/classify_many", data=file.getvalue(), headers={**NPY, **load_test})
    picture = io.BytesIO()
    Image.fromarray(test_set.images[0].numpy()).save(picture, "PNG")
    headers = {"Content-Type": "image/png", **load_test}
    one = classifier.post("/classify", data=picture.getvalue(), headers=headers)
    assert (len(many.json()), one.json()["label"]) == (50, many.json()[0]["label"])
    grown = {series for series, value in counted().items() if value != before.get(series)}
    assert {series.partition("{")[0] for series in grown} == {
        "wardrobe_load_test_pictures_total",
        "wardrobe_batch_images_count",
        "wardrobe_inference_seconds_count",
        "wardrobe_queue_seconds_count",
    }
    key = "wardrobe_load_test_pictures_total"
    assert counted()[key] - before[key] == 51


def test_pictures_that_the_version_does_not_know_are_counted(
    own: Home, classifier: Server, test_set: fashion_mnist.Split
) -> None:
    promote(own, classifier, "copy6")
    noise = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    found = [
        one
        for images in (test_set.images[:200].numpy(), noise)
        for one in answers(classifier, images)
    ]
    unknown = [not one["known"] for one in found]
    assert unknown == [one["familiarity"] < 0.04 for one in found]
    assert sum(unknown[200:]) > 40 > sum(unknown[:200])
    counted = values(scrape(classifier), "wardrobe_unknown_total", "model")
    assert counted["fashion_mnist_model:copy6"] == sum(unknown)


def test_every_series_of_a_version_starts_at_zero(own: Home, classifier: Server) -> None:
    promote(own, classifier, "copy3")
    text = scrape(classifier)
    mine = re.findall(
        r'^(wardrobe_\w+_total){[^}]*model="fashion_mnist_model:copy3"[^}]*} 0.0$',
        text,
        re.MULTILINE,
    )
    assert Counter(mine) == {
        "wardrobe_predictions_total": 10,
        "wardrobe_accuracy_samples_total": 1,
        "wardrobe_expected_correct_total": 1,
        "wardrobe_unknown_total": 1,
    }


def test_only_the_served_version_has_a_baseline(own: Home, classifier: Server) -> None:
    promote(own, classifier, "copy4")
    shares = values(scrape(classifier), "wardrobe_baseline_predictions", "model")
    assert list(shares) == ["fashion_mnist_model:copy4"]
    assert sum(shares.values()) == pytest.approx(1, abs=0.001)


def test_a_version_without_a_baseline_is_served(
    own: Home, classifier: Server, test_set: fashion_mnist.Split
) -> None:
    promote(own, classifier, "copy1")
    found = answers(classifier, test_set.images[:20].numpy())
    assert [(one["known"], one["familiarity"]) for one in found] == [(None, None)] * 20
    text = scrape(classifier)
    assert "fashion_mnist_model:copy1" not in values(text, "wardrobe_unknown_total", "model")
    assert "wardrobe_baseline" not in text
    assert "fashion_mnist_model:copy1" not in values(
        text, "wardrobe_accuracy_samples_total", "model"
    )


def test_a_scrape_stays_small_after_ten_versions(
    own: Home, classifier: Server, test_set: fashion_mnist.Split
) -> None:
    images = test_set.images[:200].numpy()
    folder = own.path / "models" / tags.MODEL_NAME
    stored = [entry.name for entry in folder.iterdir() if entry.is_dir()]
    assert len(stored) >= VERSIONS  # other tests may have stored some more
    for version in stored:
        promote(own, classifier, version)
        classify(classifier, images)
        for path in ("classify", "classify_many", "preview"):
            for body, type_ in REFUSED:
                requests.post(
                    f"{classifier.url}/{path}",
                    data=body,
                    headers={"Content-Type": type_},
                    timeout=30,
                )
    text = scrape(classifier)
    assert len(values(text, "wardrobe_predictions_total", "model")) == len(stored)
    print(f"{len(text.encode()):,} bytes")
    assert len(text.encode()) < MAX_SCRAPE_BYTES
