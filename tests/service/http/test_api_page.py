"""The page at `/` and the documents behind it say what the services really do.

Each example of the documents is held against a live answer: refusals word by word, other answers
by their shape. `Stage.play` provokes them all, in an order that needs few servers.
"""

import io
import json
import os
import re
import shutil
import signal
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bentoml
import numpy as np
import pytest
import requests
from PIL import Image
from playwright.sync_api import ConsoleMessage, sync_playwright
from starlette.routing import Route

from service.classifier import Classifier
from service.http.middleware import RoutesMiddleware
from service.trainer import Trainer
from tests.support.browser import launch
from tests.support.pictures import header_bomb
from tests.support.processes import ROOT, Home, MakeHome, Server, wait_for
from tests.support.shapes import same_shape
from training.store import runs, tags

Document = dict[str, Any]
Call = tuple[str, str, str]
"""An operation's id, a status and an example's name."""

DOCUMENTS: dict[str, Document] = {
    name: json.loads((ROOT / "service" / f"{name}.openapi.json").read_text())
    for name in ("classifier", "trainer")
}
SERVICES: dict[str, Any] = {"classifier": Classifier, "trainer": Trainer}

BENTOMLS_OWN = {("get", path) for path in ("/livez", "/healthz", "/readyz", "/metrics")}
"""What BentoML answers beside the page itself."""
OF_THE_PAGE = {"/", "/docs.json"}

NOT_PROVOKED = {"500", "504"}
"""A mistake in the service, and a wait of half a minute: their sentences are tested apart."""
FULL_TO_THE_LAST_PLACE = ("classify", "503", "busy")
"""A single picture is turned away only then: test_batching.py fills a queue so."""

SNEAKER = (ROOT / "docs" / "sneaker.png").read_bytes()
BAG = (ROOT / "docs" / "bag.png").read_bytes()
PNG = {"Content-Type": "image/png"}
NPY = {"Content-Type": "application/x-npy"}
UNKNOWN_RUN = "20261123-000000-000-0000"


# --- The documents -------------------------------------------------------------------------------


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each call."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def examples(document: Document) -> Iterator[tuple[Call, dict[str, Any], Any]]:
    """Each answer's example, with its schema."""
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            for media in response["content"].values():
                for name, example in media.get("examples", {}).items():
                    call = (operation["operationId"], status, name)
                    yield call, media["schema"], example["value"]


def sentences_of(document: Document, status: str) -> set[str]:
    """What the document says that refusals of this status say."""
    return {value["error"] for (_, code, _), _, value in examples(document) if code == status}


EXAMPLES = [
    pytest.param(service, call, schema, value, id="-".join((service, *call)))
    for service, document in DOCUMENTS.items()
    for call, schema, value in examples(document)
    if call[1] not in NOT_PROVOKED and call != FULL_TO_THE_LAST_PLACE
]


def fits(value: Any, schema: dict[str, Any], document: Document) -> bool:
    """Whether a value is what a schema of the document says, as far as our documents use them."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        return any(fits(value, one, document) for one in schema["oneOf"])
    if value is None:
        return bool(schema.get("nullable", not schema))
    match schema.get("type"):
        case "object":
            known = schema.get("properties", {})
            rest = schema.get("additionalProperties", False)
            return (
                isinstance(value, dict)
                and all(
                    (key in value or key not in schema.get("required", ()))
                    for key in {*known, *schema.get("required", ())}
                )
                and all(
                    fits(item, known[key], document)
                    if key in known
                    else rest is True or (isinstance(rest, dict) and fits(item, rest, document))
                    for key, item in value.items()
                )
            )
        case "array":
            return isinstance(value, list) and all(
                fits(item, schema["items"], document) for item in value
            )
        case "string":
            return (
                isinstance(value, str)
                and value in schema.get("enum", [value])
                and re.search(schema.get("pattern", ""), value) is not None
            )
        case "integer" | "number" as kind:
            number = int if kind == "integer" else (int, float)
            return (
                isinstance(value, number)
                and not isinstance(value, bool)
                and schema.get("minimum", value) <= value <= schema.get("maximum", value)
            )
        case "boolean":
            return isinstance(value, bool)
    return True


def anonymous(text: str) -> str:
    """The same text without what differs each time: names of runs and versions."""
    text = re.sub(r"[^ ]*/corrections\.db", "corrections.db", text)
    text = re.sub(r"fashion_mnist_model:[a-z0-9]{16}", "fashion_mnist_model:VERSION", text)
    return re.sub(r"\d{8}-\d{6}-\d{3}-(?!0000)[0-9a-f]{4}", "RUN", text)


def without_kept_gates(value: Any) -> Any:
    """The same without the gate's figures in metadata, which lack what was null: the schema says.

    So the shape depends on which version another test has left to be served.
    """
    if isinstance(value, list):
        return [without_kept_gates(one) for one in value]
    if not isinstance(value, dict):
        return value
    rest = {key: without_kept_gates(one) for key, one in value.items()}
    if "metadata" in rest:
        rest["metadata"].pop("gate", None)
    return rest


# --- The live answers ----------------------------------------------------------------------------


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def bag(label: str, picture: bytes = BAG) -> dict[str, Any]:
    """What `requests` sends to say what a picture shows."""
    return {"files": {"image": picture}, "data": {"label": label}}


def archive(
    label: str = "Bag", picture: bytes = SNEAKER, table: str | None = "corrections.csv"
) -> bytes:
    """A zip with one correction in it; without a table, with a picture only."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as files:
        files.writestr("shoe.png", picture)
        if table is not None:
            files.writestr(table, f"file,label\nshoe.png,{label}\n")
    return file.getvalue()


@dataclass
class Stage:
    """Two services that serve a model, a folder for two more, and every answer so far."""

    classifier: str
    trainer: str
    home: Home
    answers: dict[tuple[str, Call], requests.Response] = field(default_factory=dict)
    started: list[Server] = field(default_factory=list)

    def note(self, service: str, *call: str) -> Callable[[requests.Response], None]:
        operation, status, name = call
        return lambda response: self.answers.update(
            {(service, (operation, status, name)): response}
        )

    def serve(self, name: str, **extra: str) -> Server:
        server = self.home.serve(name, **extra)
        self.started.append(server)
        return server

    def play(self, versions: Path) -> None:
        """Provoke every documented answer. `versions` is a model store with a version in it."""
        for call in ("classify", "preview"):
            self.send_one_picture(call)
        self.send_many_pictures()
        self.overload()
        self.ask_the_classifier()
        self.ask_the_trainer()
        trainer = self.serve("trainer").url
        self.run_and_cancel(trainer)
        self.promote_without_a_classifier(trainer, versions)
        classifier = self.serve("classifier", CLASSIFIER_WORKERS="1")
        self.find_no_model(classifier.url)
        self.find_no_classes(trainer)
        self.promote(trainer, classifier)
        self.shadow(trainer)
        self.find_no_store(trainer)
        self.find_no_corrections(trainer)
        self.correct(trainer)
        self.compare(trainer)

    def send_one_picture(self, call: str) -> None:
        url = f"{self.classifier}/{call}"

        def refused(status: str, name: str, **request: Any) -> None:
            self.note("classifier", call, status, name)(requests.post(url, timeout=30, **request))

        if call == "classify":
            refused("200", "sneaker", data=SNEAKER, headers=PNG)
        refused("400", "empty", data=b"", headers=PNG)
        refused("400", "unreadable", data=b"hello", headers=PNG)
        refused("400", "damaged", data=BAG[:-60], headers=PNG)
        refused("400", "field", files={"picture": SNEAKER})
        refused("400", "form", data=b"-", headers={"Content-Type": "multipart/form-data"})
        refused("413", "bytes", data=bytes(10_000_001), headers=PNG)
        refused("413", "pixels", data=header_bomb(), headers=PNG)
        refused("413", "files", files=[("image", SNEAKER), ("image", BAG)])
        refused("415", "type", data=b"hello", headers={"Content-Type": "text/plain"})
        refused("415", "missing", data=SNEAKER)
        refused("415", "svg", data=b"<svg/>", headers={"Content-Type": "image/svg+xml"})
        self.note("classifier", call, "405", "method")(requests.get(url, timeout=30))

    def send_many_pictures(self) -> None:
        url = f"{self.classifier}/classify_many"

        def sent(status: str, name: str, **request: Any) -> None:
            answer = requests.post(url, timeout=60, **request)
            self.note("classifier", "classify_many", status, name)(answer)

        three = [("sneaker.png", SNEAKER), ("notes.txt", b"hello"), ("bag.png", BAG)]
        sent("200", "three", files=[("images", file) for file in three])
        sent("400", "field", files={"picture": SNEAKER})
        sent("400", "form", data=b"-", headers={"Content-Type": "multipart/form-data"})
        sent("400", "array", data=npy(np.array([{}])), headers=NPY)
        sent("400", "shape", data=npy(np.zeros((1, 28, 28), np.float32)), headers=NPY)
        sent("413", "bytes", data=bytes(10_000_001), headers=NPY)
        sent("413", "files", files=[("images", ("", b"-"))] * 10_001)
        sent("415", "type", json=[])
        answer = requests.get(url, timeout=30)
        self.note("classifier", "classify_many", "405", "method")(answer)

    def overload(self) -> None:
        """More pictures at once than may wait, until a call is turned away."""
        many = npy(np.zeros((10_000, 28, 28), np.uint8))

        def flood(_: int) -> requests.Response:
            return requests.post(
                f"{self.classifier}/classify_many", data=many, headers=NPY, timeout=60
            )

        with ThreadPoolExecutor(12) as clients:
            for _ in range(10):
                for answer in clients.map(flood, range(12)):
                    if answer.status_code == 503:
                        self.note("classifier", "classify_many", "503", "busy")(answer)
                        return

    def ask_the_classifier(self) -> None:
        for path, call, name in (
            ("model", "model", "served"),
            ("livez", "livez", "alive"),
            ("healthz", "healthz", "alive"),
            ("readyz", "readyz", "ready"),
            ("metrics", "metrics", "excerpt"),
        ):
            answer = requests.get(f"{self.classifier}/{path}", timeout=30)
            self.note("classifier", call, "200", name)(answer)
        for path in ("model", "readyz"):
            answer = requests.post(f"{self.classifier}/{path}", timeout=30)
            self.note("classifier", path, "405", "method")(answer)

    def ask_the_trainer(self) -> None:
        """Everything that the trainer answers without changing anything."""
        run = requests.get(f"{self.trainer}/runs", timeout=30).json()["runs"][-1]["run_id"]

        def asked(method: str, path: str, *call: str) -> None:
            answer = requests.request(method, self.trainer + path, timeout=30)
            self.note("trainer", *call)(answer)

        asked("GET", f"/runs/{run}/events", "list_events", "200", "some")
        asked("GET", f"/runs/{run}/events?after=soon", "list_events", "400", "after")
        asked("POST", f"/runs/{run}/cancel", "cancel_run", "409", "ended")
        answer = requests.post(f"{self.trainer}/runs", json={"resume": run}, timeout=30)
        self.note("trainer", "start_run", "409", "done")(answer)
        asked("GET", f"/runs/{UNKNOWN_RUN}", "show_run", "404", "unknown")
        asked("GET", f"/runs/{UNKNOWN_RUN}/events", "list_events", "404", "unknown")
        asked("POST", f"/runs/{UNKNOWN_RUN}/cancel", "cancel_run", "404", "unknown")
        asked("GET", "/recipes", "list_recipes", "200", "all")
        asked("GET", "/models", "list_models", "200", "two")
        asked("POST", "/models/nowhere/promote", "promote", "404", "unknown")
        asked("GET", "/models/nowhere/report", "show_report", "404", "unknown")
        asked("POST", f"/runs/{run}", "show_run", "405", "method")
        asked("POST", f"/runs/{run}/events", "list_events", "405", "method")
        asked("GET", f"/runs/{run}/cancel", "cancel_run", "405", "method")
        asked("POST", "/recipes", "list_recipes", "405", "method")
        asked("POST", "/models", "list_models", "405", "method")
        asked("GET", "/models/nowhere/promote", "promote", "405", "method")
        asked("POST", "/models/nowhere/report", "show_report", "405", "method")
        for path, name in (
            ("livez", "alive"),
            ("healthz", "alive"),
            ("readyz", "ready"),
            ("metrics", "excerpt"),
        ):
            asked("GET", f"/{path}", path, "200", name)

    def run_and_cancel(self, url: str) -> None:
        def start(status: str, name: str, body: str) -> requests.Response:
            answer = requests.post(f"{url}/runs", data=body, timeout=30)
            self.note("trainer", "start_run", status, name)(answer)
            return answer

        start("400", "json", "three")
        start("400", "object", "[3]")
        start("400", "setting", '{"learning_rate": 0.1}')
        start("400", "recipe", '{"recipe": "slow"}')
        start("400", "epochs", '{"epochs": 0}')
        start("400", "seed", '{"seed": -1}')
        start("400", "resume", f'{{"resume": "{UNKNOWN_RUN}", "epochs": 3}}')
        start("400", "corrections", '{"corrections": "all"}')
        start("400", "without", '{"recipe": "finetune", "corrections": false}')
        start("409", "no_model", '{"recipe": "finetune"}')
        start("413", "bytes", " " * 100_001)
        run = start("201", "started", '{"recipe": "quick", "epochs": 1000}').json()["run_id"]
        start("409", "active", "")
        wait_for(
            lambda: requests.get(f"{url}/runs/{run}", timeout=5).json()["loss"], 240, "a first step"
        )
        self.note("trainer", "show_run", "200", "running")(
            requests.get(f"{url}/runs/{run}", timeout=30)
        )
        self.note("trainer", "list_runs", "200", "two")(requests.get(f"{url}/runs", timeout=30))
        self.note("trainer", "cancel_run", "202", "cancelled")(
            requests.post(f"{url}/runs/{run}/cancel", timeout=30)
        )

    def promote_without_a_classifier(self, url: str, versions: Path) -> None:
        shutil.copytree(versions, self.home.path / "models")
        answer = requests.post(f"{url}/models/{self.version()}/promote", timeout=30)
        self.note("trainer", "promote", "202", "no_classifier")(answer)
        (self.home.path / "champion").unlink()

    def find_no_model(self, url: str) -> None:
        none = ("503", "no_model")
        self.note("classifier", "readyz", *none)(requests.get(f"{url}/readyz", timeout=30))
        self.note("classifier", "model", "200", "nothing")(requests.get(f"{url}/model", timeout=30))
        answer = requests.post(f"{url}/classify", data=SNEAKER, headers=PNG, timeout=30)
        self.note("classifier", "classify", *none)(answer)
        answer = requests.post(f"{url}/classify_many", files={"images": SNEAKER}, timeout=30)
        self.note("classifier", "classify_many", *none)(answer)

    def promote(self, url: str, classifier: Server) -> None:
        first = self.version()

        def promoted(version: str, status: str, name: str, body: str = "") -> None:
            answer = requests.post(f"{url}/models/{version}/promote", data=body, timeout=60)
            self.note("trainer", "promote", status, name)(answer)

        promoted(first, "400", "json", "because")
        promoted(first, "400", "object", "[]")
        promoted(first, "400", "field", '{"why": "It is good."}')
        promoted(first, "400", "reason", '{"reason": " "}')
        promoted(first, "413", "bytes", " " * 100_001)
        promoted(first, "200", "served", '{"reason": "It knows our bags."}')
        damaged, weights = self.copied(first, "damagedaaaaaaaaa")
        weights.write_bytes(weights.read_bytes()[:-1_000])
        promoted(damaged, "422", "broken")
        second, weights = self.copied(first, "secondaaaaaaaaaa")
        weights.with_name("report.json").unlink()
        answer = requests.get(f"{url}/models/{second}/report", timeout=30)
        self.note("trainer", "show_report", "404", "none")(answer)
        os.killpg(classifier.process.pid, signal.SIGSTOP)  # so that it takes its time
        try:
            with ThreadPoolExecutor(1) as client:
                client.submit(promoted, second, "409", "overtaken")
                champion = self.home.path / "champion"
                wait_for(lambda: second in champion.read_text(), what="the promotion's begin")
                champion.write_text(f"{tags.MODEL_NAME}:{first}\n")
        finally:
            os.killpg(classifier.process.pid, signal.SIGCONT)

    def shadow(self, url: str) -> None:
        def asked(
            operation: str, status: str, name: str, method: str, **request: Any
        ) -> requests.Response:
            answer = requests.request(method, f"{url}/shadow", timeout=30, **request)
            self.note("trainer", operation, status, name)(answer)
            return answer

        def refused(status: str, name: str, **request: Any) -> None:
            asked("set_shadow", status, name, "PUT", **request)

        asked("show_shadow", "200", "none", "GET")
        refused("400", "json", data=b"three")
        refused("400", "missing", json={})
        refused("400", "share", json={"version": "secondaaaaaaaaaa", "share": 2})
        refused("400", "setting", json={"version": "secondaaaaaaaaaa", "colour": "red"})
        refused("404", "unknown", json={"version": "nosuchversion"})
        refused("409", "champion", json={"version": self.champion()})
        asked("set_shadow", "200", "on", "PUT", json={"version": "secondaaaaaaaaaa"})
        asked("show_shadow", "200", "on", "GET")
        asked("show_shadow", "405", "method", "PATCH")
        requests.delete(f"{url}/shadow", timeout=30)

    def champion(self) -> str:
        """The version that is served now."""
        return (self.home.path / "champion").read_text().strip().partition(":")[2]

    def noting(self, url: str) -> Callable[..., requests.Response]:
        """Asks the trainer at `url`, and notes the answer under an operation, status and name."""

        def asked(
            operation: str, status: str, name: str, method: str, path: str, **request: Any
        ) -> requests.Response:
            answer = requests.request(method, f"{url}/corrections{path}", timeout=60, **request)
            self.note("trainer", operation, status, name)(answer)
            return answer

        return asked

    def find_no_classes(self, url: str) -> None:
        asked = self.noting(url)
        asked("keep_correction", "503", "no_model", "POST", "", **bag("Bag"))
        asked("change_correction", "503", "no_model", "PATCH", "/1", json={"label": "Bag"})
        asked("import_corrections", "503", "no_model", "POST", "/import", data=archive())

    def find_no_store(self, url: str) -> None:
        """A file that is none, before the trainer has looked at it for the first time."""
        asked = self.noting(url)
        file = self.home.path / "corrections.db"
        for one in self.home.path.glob("corrections.db*"):  # of the run that was cancelled
            one.unlink()
        file.write_bytes(b"my shopping list" * 100)
        asked("keep_correction", "503", "broken", "POST", "", **bag("Bag"))
        asked("list_corrections", "503", "broken", "GET", "")
        asked("correction_image", "503", "broken", "GET", "/1/image")
        asked("change_correction", "503", "broken", "PATCH", "/1", json={"state": "accepted"})
        asked("delete_correction", "503", "broken", "DELETE", "/1")
        asked("export_corrections", "503", "broken", "GET", "/export")
        asked("import_corrections", "503", "broken", "POST", "/import", data=archive())
        self.finetune(url, "503", "broken")
        file.unlink()

    def find_no_corrections(self, url: str) -> None:
        self.finetune(url, "409", "no_corrections")

    def finetune(self, url: str, status: str, name: str) -> None:
        answer = requests.post(f"{url}/runs", json={"recipe": "finetune"}, timeout=30)
        self.note("trainer", "start_run", status, name)(answer)

    def correct(self, url: str) -> None:
        asked = self.noting(url)
        keep = "keep_correction"
        first = asked(keep, "201", "kept", "POST", "", **bag("Bag")).json()["id"]
        asked(keep, "200", "known", "POST", "", **bag("Bag"))
        second = asked(keep, "201", "conflict", "POST", "", **bag("Coat")).json()["id"]
        asked("list_corrections", "200", "two", "GET", "")
        accepted = {"state": "accepted"}
        asked("change_correction", "409", "conflict", "PATCH", f"/{first}", json=accepted)
        a_bag = {"label": "Bag"}
        asked("change_correction", "200", "relabelled", "PATCH", f"/{second}", json=a_bag)
        asked("change_correction", "200", "accepted", "PATCH", f"/{first}", json=accepted)
        for name, body in (
            ("change", '{"state": "new"}'),
            ("object", "[]"),
            ("label", '{"label": "Hat"}'),
        ):
            asked("change_correction", "400", name, "PATCH", f"/{first}", data=body)
        for name, query in (("state", "state=old"), ("after", "after=it"), ("limit", "limit=900")):
            asked("list_corrections", "400", name, "GET", f"?{query}")
        self.refuse_corrections(asked)
        self.move_corrections(asked)
        for operation, method, path in (
            ("change_correction", "PATCH", ""),
            ("delete_correction", "DELETE", ""),
            ("correction_image", "GET", "/image"),
        ):
            more = {"json": a_bag} if method == "PATCH" else {}
            asked(operation, "404", "unknown", method, f"/999999999{path}", **more)
        for operation, path in (
            ("list_corrections", ""),
            (keep, ""),
            ("export_corrections", "/export"),
            ("import_corrections", "/import"),
            ("change_correction", "/1"),
            ("delete_correction", "/1"),
            ("correction_image", "/1/image"),
        ):
            asked(operation, "405", "method", "PUT", path)

    def refuse_corrections(self, asked: Callable[..., requests.Response]) -> None:
        def refused(status: str, name: str, **request: Any) -> None:
            asked("keep_correction", status, name, "POST", "", **request)

        refused("400", "empty", **bag("Bag", b""))
        refused("400", "unreadable", **bag("Bag", b"hello"))
        refused("400", "damaged", **bag("Bag", BAG[:-60]))
        refused("400", "image", files={"picture": SNEAKER})
        refused("400", "form", data=b"-", headers={"Content-Type": "multipart/form-data"})
        refused("400", "missing", files={"image": BAG})
        refused("400", "label", **bag("Hat"))
        for name, value in (("predicted", "Hat"), ("model", "../it"), ("source", "The pad")):
            refused("400", name, files={"image": BAG}, data={"label": "Bag", name: value})
        refused("400", "field", files={"image": BAG}, data={"label": "Bag", "colour": "red"})
        refused("413", "bytes", **bag("Bag", bytes(10_200_001)))
        refused("413", "pixels", **bag("Bag", header_bomb()))
        refused("413", "files", files=[("image", SNEAKER), ("image", BAG)], data={"label": "Bag"})
        refused("415", "type", data=BAG, headers=PNG)

    def move_corrections(self, asked: Callable[..., requests.Response]) -> None:
        def moved(status: str, name: str, **request: Any) -> None:
            asked("import_corrections", status, name, "POST", "/import", **request)

        moved("200", "taken", data=archive())
        moved("400", "zip", data=b"hello")
        moved("400", "table", data=archive(table=None))
        moved("400", "line", data=archive("Hat"))
        coloured = io.BytesIO()
        Image.new("RGB", (32, 32)).save(coloured, "PNG")
        moved("400", "size", data=archive(picture=coloured.getvalue()))
        moved("400", "field", files={"picture": (None, "x")} | {"picture": BAG})
        moved("413", "bytes", data=bytes(100_000_001))

    def compare(self, url: str) -> None:
        """A run whose version differs from the one that is served."""
        config = {"recipe": "quick", "epochs": 1, "seed": 1}
        path = f"/runs/{requests.post(f'{url}/runs', json=config, timeout=30).json()['run_id']}"

        def run() -> requests.Response:
            return requests.get(url + path, timeout=30)

        wait_for(lambda: run().json()["state"] not in runs.ACTIVE, 240, "the run's end")
        self.note("trainer", "show_run", "200", "succeeded")(run())
        version = run().json()["result"]["model"].partition(":")[2]
        answer = requests.get(f"{url}/models/{version}/report", timeout=30)
        self.note("trainer", "show_report", "200", "held_back")(answer)

    def version(self) -> str:
        """The version that was copied into this stage's folder."""
        folder = self.home.path / "models" / tags.MODEL_NAME
        return next(entry.name for entry in folder.iterdir() if entry.is_dir())

    def copied(self, version: str, name: str) -> tuple[str, Path]:
        """Another version with the same content: its name and where its weights are."""
        folder = self.home.path / "models" / tags.MODEL_NAME
        shutil.copytree(folder / version, folder / name)
        description = folder / name / "model.yaml"
        description.write_text(description.read_text().replace(version, name))
        return name, folder / name / "weights.pt"


@pytest.fixture(scope="module")
def answers(
    classifier_url: str, trainer_url: str, home: Home, make_home: MakeHome
) -> Iterator[dict[tuple[str, Call], requests.Response]]:
    stage = Stage(classifier_url, trainer_url, make_home())
    try:
        stage.play(home.path / "models")
        yield stage.answers
    finally:
        for server in stage.started:
            server.stop()


@pytest.fixture(scope="module")
def urls(classifier_url: str, trainer_url: str) -> dict[str, str]:
    return {"classifier": classifier_url, "trainer": trainer_url}


# --- What the documents say ----------------------------------------------------------------------


@pytest.mark.parametrize("service", DOCUMENTS)
def test_every_call_is_documented_and_every_documented_call_is_one(service: str) -> None:
    options = next(
        options for kind, options in SERVICES[service].middlewares if kind is RoutesMiddleware
    )
    routes: list[Route] = options["routes"]
    served = {
        (method.lower(), route.path)
        for route in routes
        for method in (route.methods or set()) - {"HEAD"}
        if route.path not in OF_THE_PAGE
    }
    documented = {(method, path) for method, path, _ in operations(DOCUMENTS[service])}

    assert documented == served | BENTOMLS_OWN


@pytest.mark.parametrize("service", DOCUMENTS)
def test_the_document_is_what_the_service_hands_out(service: str, urls: dict[str, str]) -> None:
    assert requests.get(f"{urls[service]}/docs.json", timeout=10).json() == DOCUMENTS[service]


@pytest.mark.parametrize("service", DOCUMENTS)
def test_each_call_has_words_and_says_how_it_can_go_well(service: str) -> None:
    for method, path, operation in operations(DOCUMENTS[service]):
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        assert {"200", "201", "202", "204"} & set(operation["responses"]), (method, path)
        for parameter in re.findall(r"{(\w+)}", path):
            assert parameter in [it["name"] for it in operation["parameters"]], (method, path)


@pytest.mark.parametrize(("service", "call", "schema", "value"), EXAMPLES)
def test_each_example_is_what_the_service_answers(
    service: str,
    call: Call,
    schema: dict[str, Any],
    value: Any,
    answers: dict[tuple[str, Call], requests.Response],
) -> None:
    answer = answers[service, call]
    assert answer.status_code == int(call[1]), answer.text
    assert fits(value, schema, DOCUMENTS[service]), value
    if call[0] == "metrics":
        families = {re.split(r"[ {]", line)[0] for line in value.splitlines()}
        assert families <= {re.split(r"[ {]", line)[0] for line in answer.text.splitlines()}
    elif answer.headers["content-type"].startswith("text/plain"):
        assert answer.text == value
    elif answer.ok:
        live = without_kept_gates(json.loads(anonymous(answer.text)))
        example = without_kept_gates(json.loads(anonymous(json.dumps(value))))
        assert same_shape(live, example), answer.text
        assert fits(answer.json(), schema, DOCUMENTS[service]), answer.text
    else:
        said = json.loads(anonymous(answer.text))
        assert said == json.loads(anonymous(json.dumps(value)))


@pytest.mark.parametrize("service", DOCUMENTS)
def test_the_sentence_after_a_time_limit_names_it(service: str) -> None:
    bento: bentoml.Service[Any] = SERVICES[service]
    limit = bento.config["traffic"]["timeout"]
    sentences = sentences_of(DOCUMENTS[service], "504")

    assert sentences == {f"Not able to process the request in {limit:g} seconds"}


def test_what_a_mistake_in_a_service_answers_is_said_in_both_documents() -> None:
    for document in DOCUMENTS.values():
        [sentence] = sentences_of(document, "500")
        assert sentence in (ROOT / "service" / "calls.py").read_text()


def test_the_pictures_of_the_examples_are_test_pictures() -> None:
    for data in (SNEAKER, BAG):
        image = Image.open(io.BytesIO(data))
        assert (image.mode, image.size) == ("L", (28, 28))


# --- The page ------------------------------------------------------------------------------------


@dataclass
class Visit:
    """What somebody sees who opens a page in a browser and tries one of its calls."""

    calls: set[tuple[str, str]]
    problems: list[str]
    asked_outside: list[str]
    tried: str


def note_error(line: ConsoleMessage, problems: list[str]) -> None:
    if line.type == "error":
        problems.append(line.text)


def visit(url: str, operation: str) -> Visit:
    """Open an API page in Chromium and run the operation, which needs no parameters."""
    problems: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: note_error(line, problems))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        page.locator(".opblock").first.wait_for()
        calls = {
            (
                block.locator(".opblock-summary-method").inner_text().lower(),
                block.locator(".opblock-summary-path").inner_text().replace("​", ""),
            )
            for block in page.locator(".opblock").all()
        }
        block = page.locator(f"[id$='-{operation}']")
        block.locator(".opblock-summary").click()
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        tried = block.locator(".live-responses-table .response-col_status").last.inner_text()
        browser.close()
    here = urlsplit(url).netloc
    return Visit(calls, problems, [it for it in asked if urlsplit(it).netloc != here], tried)


@pytest.fixture(scope="module")
def visits(urls: dict[str, str]) -> dict[str, Visit]:
    """Both pages. In a thread of its own: another test's browser may be open in this one."""
    with ThreadPoolExecutor(1) as visitor:
        return {
            service: visitor.submit(visit, urls[service], operation).result()
            for service, operation in (("classifier", "model"), ("trainer", "list_recipes"))
        }


@pytest.mark.parametrize("service", DOCUMENTS)
def test_the_page_lists_every_call(service: str, visits: dict[str, Visit]) -> None:
    documented = {(method, path) for method, path, _ in operations(DOCUMENTS[service])}

    assert visits[service].calls == documented


@pytest.mark.parametrize("service", DOCUMENTS)
def test_a_call_can_be_tried_on_the_page(service: str, visits: dict[str, Visit]) -> None:
    assert visits[service].tried.startswith("200")


@pytest.mark.parametrize("service", DOCUMENTS)
def test_the_page_asks_nobody_else_and_has_no_errors(
    service: str, visits: dict[str, Visit]
) -> None:
    assert visits[service].asked_outside == []
    assert visits[service].problems == []
