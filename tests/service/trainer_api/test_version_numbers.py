"""The trainer's calls tell and take the numbers of versions."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.trainer_api.app import app
from training.model import networks
from training.store import tags, versions


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A trainer with two versions, of which the first is live."""
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    stored = [
        versions.save(
            networks.build("mlp", 2),
            labels={},
            metadata={"network": "mlp", "class_names": ["Bag", "Shirt"]},
            report={"promoted": promoted},
        )
        for promoted in (True, False)
    ]
    versions.set_champion(stored[0])
    with TestClient(app) as opened:
        yield opened


def test_versions_are_listed_with_their_numbers(client: TestClient) -> None:
    listed = client.get("/models").json()["models"]
    assert [it["number"] for it in listed] == [2, 1]
    numbers = client.get("/models/numbers").json()["numbers"]
    assert numbers == {it["version"]: it["number"] for it in listed}


def test_a_page_of_the_list_and_one_version_alone(client: TestClient) -> None:
    listed = client.get("/models").json()
    page = client.get("/models?offset=1&limit=1").json()
    assert page == listed | {"models": listed["models"][1:]}
    assert page["total"] == 2
    assert client.get("/models/1").json() == listed["models"][1]
    assert client.get("/models/3").status_code == 404


@pytest.mark.parametrize("name", ["2", "v2"])
def test_a_call_takes_the_number_in_place_of_the_version(client: TestClient, name: str) -> None:
    second = client.get("/models").json()["models"][0]
    assert client.get(f"/models/{name}/report").json() == {"promoted": False}
    shadow = client.put("/shadow", json={"version": name, "share": 0.5}).json()
    assert shadow["version"] == tags.version_of(second["tag"])
    assert client.post(f"/models/{name}/promote").json()["tag"] == second["tag"]


def test_a_number_that_no_version_has_is_refused(client: TestClient) -> None:
    answer = client.get("/models/v3/report")
    assert answer.status_code == 404
    assert "no version" in answer.json()["error"]
