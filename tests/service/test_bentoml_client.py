"""BentoML's own clients, and other services' depends(), get what HTTP gets.

The same pictures, good, odd and bad, go through the HTTP routes (requests), through BentoML's
clients, and through BentoML's own endpoints, which only another service can reach.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import pytest
import requests
from bentoml.exceptions import BentoMLException
from PIL import Image

from tests.support.pictures import BAD, ODD, encoded, shoe
from tests.support.processes import Home, Server
from tests.support.services import event_loop

PICTURES = {
    "drawn shoe": encoded(shoe()),
    "28x28": encoded(shoe().resize((28, 28))),
    **ODD,
    **{name: data for name, (data, _, _) in BAD.items()},
}
Outcome = tuple[int, Any]
"""A status code, and the answer or the error message."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = {name: folder / f"{number}.png" for number, name in enumerate(PICTURES)}
    for name, path in paths.items():
        path.write_bytes(PICTURES[name])
    return paths


@pytest.fixture(scope="module")
def stylist(home: Home) -> Iterator[Server]:
    """Another BentoML service that depends on the classifier."""
    server = home.serve("stylist", CLASSIFIER_WORKERS="1")
    yield server
    server.stop()


def over_http(url: str, endpoint: str, path: Path) -> Outcome:
    field = "images" if endpoint == "classify_many" else "image"
    sent = {field: ("picture.png", path.read_bytes(), "image/png")}
    response = requests.post(f"{url}/{endpoint}", files=sent, timeout=30)
    if not response.ok:
        return response.status_code, response.json()["error"]
    return 200, pixels(response.content) if endpoint == "preview" else response.json()


def arguments(endpoint: str, path: Path) -> dict[str, Any]:
    return {"images": [path]} if endpoint == "classify_many" else {"image": path}


def by_sync_client(url: str, endpoint: str, path: Path) -> Outcome:
    with bentoml.SyncHTTPClient(url) as client:
        try:
            answer = getattr(client, endpoint)(**arguments(endpoint, path))
        except BentoMLException as error:
            return int(error.error_code), json.loads(str(error))["error"]
        return 200, pixels(answer) if endpoint == "preview" else answer


def by_async_client(url: str, endpoint: str, path: Path) -> Outcome:
    async def call() -> Outcome:
        async with bentoml.AsyncHTTPClient(url) as client:
            try:
                answer = await getattr(client, endpoint)(**arguments(endpoint, path))
            except BentoMLException as error:
                return int(error.error_code), json.loads(str(error))["error"]
            return 200, pixels(answer) if endpoint == "preview" else answer

    return event_loop.run(call())


def by_another_service(stylist: Server, endpoint: str, path: Path) -> Outcome:
    with bentoml.SyncHTTPClient(stylist.url) as client:
        answer = getattr(client, endpoint)(**arguments(endpoint, path))
    if "text" in answer:
        return answer["status"], json.loads(answer["text"])["error"]
    if endpoint == "preview":
        return 200, np.reshape(answer["pixels"], answer["size"]).tolist()
    return 200, answer["answers"] if endpoint == "classify_many" else answer


def pixels(picture: bytes | Path | Image.Image) -> Any:
    if isinstance(picture, bytes):
        picture = Image.open(io.BytesIO(picture))
    elif isinstance(picture, Path):
        picture = Image.open(picture)
    return np.asarray(picture).tolist()


@pytest.mark.parametrize("endpoint", ["classify", "classify_many", "explain", "preview"])
@pytest.mark.parametrize("name", PICTURES)
def test_every_door_gives_the_same_answer(
    classifier_url: str, stylist: Server, files: dict[str, Path], name: str, endpoint: str
) -> None:
    expected = over_http(classifier_url, endpoint, files[name])
    if name in BAD and endpoint != "classify_many":
        assert expected[0] == BAD[name][1]
    assert by_sync_client(classifier_url, endpoint, files[name]) == expected
    assert by_async_client(classifier_url, endpoint, files[name]) == expected
    assert by_another_service(stylist, endpoint, files[name]) == expected


def test_many_pictures_keep_their_order(
    classifier_url: str, stylist: Server, files: dict[str, Path]
) -> None:
    names = ["28x28", "text", "drawn shoe"]
    with bentoml.SyncHTTPClient(classifier_url) as client:
        answers = client.classify_many(images=[files[name] for name in names])
        singles = [client.classify(image=files[name]) for name in ("28x28", "drawn shoe")]
    for answer, single in zip((answers[0], answers[2]), singles, strict=True):
        assert answer["label"] == single["label"]
        assert answer["probabilities"] == pytest.approx(single["probabilities"], abs=1e-6)
    assert set(answers[1]) == {"error"}
    with bentoml.SyncHTTPClient(stylist.url) as client:
        assert (
            client.classify_many(images=[files[name] for name in names])["answers"][1] == answers[1]
        )


def test_schema_json_lists_the_endpoints(classifier_url: str) -> None:
    schema = requests.get(f"{classifier_url}/schema.json", timeout=10).json()
    routes = {it["name"]: it for it in schema["routes"]}
    assert set(routes) == {"classify", "classify_many", "explain", "preview"}
    assert routes["classify"]["input"]["properties"]["image"]["content_type"] == "image/*"
    assert set(routes["classify"]["output"]["properties"]) == {
        "label",
        "idx",
        "confidence",
        "probabilities",
        "known",
        "familiarity",
        "model",
    }


def test_nobody_outside_can_send_a_pickle(classifier: Server) -> None:
    """BentoML's services call each other with it; to unpickle is to run a program."""
    before = classifier.log.read_text().count("Traceback")
    for endpoint in ("classify", "classify_many", "preview"):
        response = requests.post(
            f"{classifier.url}/{endpoint}",
            data=b"cos\nsystem\n(S'true'\ntR.",
            headers={"Content-Type": "application/vnd.bentoml+pickle"},
            timeout=10,
        )
        assert response.status_code == 415
        assert "Pickled requests are refused" in response.json()["error"]
    assert classifier.log.read_text().count("Traceback") == before


def test_a_url_instead_of_a_picture_is_not_fetched(classifier_url: str) -> None:
    """BentoML's own endpoint would download it: the server's network is not the client's."""
    with (
        bentoml.SyncHTTPClient(classifier_url) as client,
        pytest.raises(BentoMLException, match="content type"),
    ):
        client.classify(image="http://127.0.0.1:1/shoe.png")
