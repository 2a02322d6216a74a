"""A real classifier whose live version is damaged: it serves the one before, and says so."""

from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.support.processes import Home, Server, wait_for
from training.model import networks
from training.store import promotions, tags, versions

CLASSES = ["Bag", "Shirt"]


def flip_a_byte(home: Path, tag: str) -> None:
    path = home / "models" / tags.MODEL_NAME / tags.version_of(tag) / "weights.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_description(home: Path, tag: str) -> None:
    path = home / "models" / tags.MODEL_NAME / tags.version_of(tag) / "model.yaml"
    path.write_bytes(path.read_bytes()[:100])


def zero_champion(home: Path, _: str) -> None:
    (home / "champion").write_bytes(bytes(40))


def saved() -> str:
    metadata = {"network": "mlp", "class_names": CLASSES}
    return versions.save(networks.build("mlp", len(CLASSES)), labels={}, metadata=metadata)


@pytest.fixture
def promoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two versions, the second promoted after the first."""
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    first, second = saved(), saved()
    for tag, previous in ((first, None), (second, first)):
        versions.set_champion(tag)
        promotions.record(tag, previous, promotions.PERSON)
    return first, second


def classifies_with(server: Server, tag: str) -> bool:
    picture = requests.post(
        f"{server.url}/classify",
        data=(Path(__file__).parents[3] / "docs" / "sneaker.png").read_bytes(),
        headers={"Content-Type": "image/png"},
        timeout=10,
    )
    return bool(picture.json().get("model") == tag)


@pytest.mark.parametrize("damage", [flip_a_byte, cut_description])
def test_a_damaged_live_version_is_replaced_by_the_one_before(
    tmp_path: Path, promoted: tuple[str, str], damage: Callable[[Path, str], None]
) -> None:
    first, second = promoted
    damage(tmp_path, second)
    server = Home(tmp_path).serve("classifier", CLASSIFIER_WORKERS="1")
    wait_for(lambda: requests.get(f"{server.url}/readyz", timeout=5).ok, 30, "a version")
    model = server.get("/model")
    assert model["tag"] == second
    assert "is damaged" in model["error"]
    assert model["serving"] == {first: 1}
    assert model["class_names"] == CLASSES
    assert "is damaged" in model["workers"][0]["error"]
    assert classifies_with(server, first)
    metrics = requests.get(f"{server.url}/metrics", timeout=10).text
    assert "wardrobe_model_load_failures_total 1.0" in metrics
    server.stop()


def test_a_version_damaged_while_it_is_served_is_served_on(
    tmp_path: Path, promoted: tuple[str, str]
) -> None:
    _, second = promoted
    server = Home(tmp_path).serve("classifier", CLASSIFIER_WORKERS="1")
    wait_for(lambda: requests.get(f"{server.url}/readyz", timeout=5).ok, 30, "a version")
    cut_description(tmp_path, second)
    zero_champion(tmp_path, second)
    for entry in (tmp_path / "serving").glob("*.json"):
        entry.write_bytes(b"\0" * 50)
    wait_for(lambda: server.get("/model")["serving"] == {second: 1}, 5, "the entry")
    model = server.get("/model")
    assert (model["tag"], model["class_names"]) == (second, CLASSES)
    assert "model.yaml" in model["error"]
    assert classifies_with(server, second)
    server.stop()
