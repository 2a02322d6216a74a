"""What a version is held against: its shares on the validation pictures."""

import pytest
import torch

from tests.support.processes import Home
from training.data import fashion_mnist
from training.evaluation import predict
from training.model import baseline
from training.store import versions

NAMES = ("Bag", "Coat")


def test_shares_are_of_what_was_answered_and_of_how_bright_it_was() -> None:
    images = torch.zeros(4, 28, 28, dtype=torch.uint8)
    images[1], images[2], images[3] = 33, 34, 255
    answers = torch.tensor([[0.92, 0.08], [0.96, 0.04], [0.3, 0.7], [1.0, 0.0]])
    measured = baseline.measure(answers, images, NAMES)
    assert measured["predictions"] == {"Bag": 0.75, "Coat": 0.25}
    bright = measured["brightness"]
    assert (bright["0-33"], bright["33-43"], bright["118-255"]) == (0.5, 0.25, 0.25)
    confident = dict(zip(measured["confidence_bounds"], measured["confidence"], strict=True))
    assert {bound: share for bound, share in confident.items() if share} == {
        0.7: 0.25, 0.95: 0.25, 0.99: 0.25, 1: 0.25
    }  # fmt: skip


def test_a_version_keeps_its_baseline_on_validation_pictures(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROBE_HOME", str(home.path))
    oldest = versions.list_versions()[-1]
    kept = oldest.metadata["baseline"]
    validation = fashion_mnist.load().validation
    answers = predict(versions.load(oldest.tag).network, validation.images).argmax(1)
    named = answers.bincount(minlength=10) / len(answers)
    assert list(kept["predictions"].values()) == pytest.approx(named.tolist(), abs=0.001)
    assert sum(kept["brightness"].values()) == pytest.approx(1, abs=0.001)
    assert all(0.05 < share < 0.15 for share in kept["brightness"].values())
    known = baseline.read(oldest.metadata)
    assert known is not None
    assert known.predictions == kept["predictions"]


@pytest.mark.parametrize(
    "metadata",
    [{}, {"baseline": None}, {"baseline": {"predictions": {}, "brightness": {"0-9": 1}}}],
)
def test_a_version_of_another_time_has_none(metadata: dict[str, object]) -> None:
    assert baseline.read(metadata) is None
