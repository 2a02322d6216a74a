"""The examples in README.md and docs/ run as they are, against live services.

The first line of such a code block ends in `run`. If a block of JSON follows, the example must
print an answer with the same keys and types. If a block of text follows, it must print as many
lines, with class names where the text has them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.documentation import Example, examples, table
from tests.support.processes import HOMES, ROOT, Home, MakeHome, Server, answers, wait_for
from tests.support.shapes import same_shape

COMMANDS = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}

CALLS = {
    3000: ("/classify", "/classify_many", "/explain", "/preview", "/model"),
    3002: (
        "/recipes",
        "/runs",
        "/runs/$RUN",
        "/runs/$RUN/events",
        "/runs/$RUN/cancel",
        "/models",
        "/models/numbers",
        "/models/v1/report",
        "/models/v1/promote",
        "/shadow",
        "/corrections",
        "/corrections/$ID",
        "/corrections/$ID/image",
        "/corrections/export",
        "/corrections/import",
    ),
}
"""Every call of the API, by port, as the examples write it."""


@dataclass(frozen=True)
class Services:
    """A classifier and a trainer with two versions, a finished run, a shadow and a correction.

    Only this module uses them, since its examples start runs. `metrics` are the names and types
    of all metrics before the examples ran.
    """

    classifier: Server
    trainer: Server
    metrics: set[tuple[str, str]]
    class_names: list[str]

    def replace_addresses(self, code: str) -> str:
        """An example with the addresses of these services in place of the default ones."""
        code = code.replace("http://localhost:3000", self.classifier.url)
        return code.replace("http://localhost:3002", self.trainer.url)


@pytest.fixture(scope="module")
def services(home: Home, make_home: MakeHome) -> Iterator[Services]:
    own = make_home()
    [run] = [it for it in finished_runs(home) if it["result"]["previous_model"] is None]
    shutil.copytree(home.path / "models", own.path / "models")
    shutil.copytree(home.path / "runs" / run["run_id"], own.path / "runs" / run["run_id"])
    (own.path / "champion").write_text(f"{run['result']['model']}\n")
    classifier, trainer = own.serve("classifier", CLASSIFIER_WORKERS="1"), own.serve("trainer")
    wait_for(lambda: answers(f"{classifier.url}/readyz"), what="a live version")
    start_shadow(own, trainer)
    send_sneaker(classifier.url)
    trainer.get("/runs")
    correct_sneaker(trainer)
    metrics = metric_types(classifier.url) | metric_types(trainer.url)
    class_names = classifier.get("/model")["labels"]
    yield Services(classifier, trainer, metrics, list(class_names))
    trainer.stop()
    classifier.stop()


def start_shadow(home: Home, trainer: Server) -> None:
    """Start a copy of the live version as the shadow, for the metrics that only a shadow has."""
    version = (home.path / "champion").read_text().strip()
    folder = home.path / "models" / version.partition(":")[0]
    shutil.copytree(folder / version.partition(":")[2], folder / "shadowaaaaaaaaaa")
    description = folder / "shadowaaaaaaaaaa" / "model.yaml"
    text = description.read_text().replace(version.partition(":")[2], "shadowaaaaaaaaaa")
    description.write_text(text)
    trainer.call("PUT", "/shadow", json={"version": "shadowaaaaaaaaaa"})
    wait_for(lambda: trainer.get("/shadow")["workers"] == 1, what="a shadow")


def finished_runs(home: Home) -> list[dict[str, Any]]:
    records = [json.loads(path.read_text()) for path in home.path.glob("runs/*/run.json")]
    return [record for record in records if record["state"] == "succeeded"]


def send_sneaker(url: str) -> None:
    picture = (ROOT / "docs" / "sneaker.png").read_bytes()
    headers = {"Content-Type": "image/png"}
    requests.post(f"{url}/classify", data=picture, headers=headers, timeout=10)


def correct_sneaker(trainer: Server) -> None:
    """Add a correction, so that `finetune` has one whichever examples have run."""
    picture = (ROOT / "docs" / "sneaker.png").read_bytes()
    fields = {"label": "Sandal", "predicted": "Sneaker"}
    answer = trainer.post("/corrections", files={"image": picture}, data=fields)
    assert answer.ok, answer.text


def metric_types(url: str) -> set[tuple[str, str]]:
    text = requests.get(f"{url}/metrics", timeout=10).text
    return set(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))


@pytest.fixture
def folder(tmp_path: Path, services: Services) -> Path:
    """A folder with the files that the examples read, where they may write others."""
    for name in ("docs", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".wardrobe").symlink_to(HOMES[services.trainer.url])
    return tmp_path


@pytest.fixture
def no_active_run(services: Services) -> Iterator[None]:
    """End the run that an example has left, so that the next one can start its own."""
    yield
    for run in services.trainer.get("/runs")["runs"]:
        if run["state"] in {"queued", "running"}:
            services.trainer.post(f"/runs/{run['run_id']}/cancel")


@pytest.mark.usefixtures("no_active_run")
@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_example_runs_and_prints_what_the_page_shows(
    example: Example, folder: Path, services: Services
) -> None:
    done = subprocess.run(
        [*COMMANDS[example.language], services.replace_addresses(example.code)],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    written = {path.name for path in folder.iterdir()} - {"docs", "README.md", ".wardrobe"}
    assert done.stdout or written
    if "preview.png" in written:
        assert (folder / "preview.png").read_bytes().startswith(b"\x89PNG")
    if example.shown_as == "text":
        assert kinds_of(done.stdout, services) == kinds_of(example.shown, services)
        return
    printed = json_values(done.stdout)
    if example.shown:
        assert same_shape(printed[-1], json.loads(example.shown)), done.stdout
    else:
        assert not [it for it in printed if isinstance(it, dict) and it.get("error")], done.stdout


def json_values(text: str) -> list[Any]:
    """The JSON values that were printed one after the other."""
    decoder, values = json.JSONDecoder(), []
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:]
    return values


def kinds_of(text: str, services: Services) -> list[bool]:
    """For each line, whether it is a class name."""
    return [line in services.class_names for line in text.splitlines()]


@pytest.mark.parametrize("port", CALLS)
def test_every_call_has_an_example(port: int) -> None:
    code = "\n".join(example.code for example in examples() if example.page.name == "api.md")
    for call in CALLS[port]:
        assert re.search(rf"localhost:{port}{re.escape(call)}(?![\w/])", code), call


def test_error_in_the_example_is_the_real_one(services: Services) -> None:
    [shown] = [json.loads(it.shown) for it in examples() if '"error"' in it.shown]
    headers = {"Content-Type": "image/png"}
    answer = requests.post(
        f"{services.classifier.url}/classify",
        data=(ROOT / "README.md").read_bytes(),
        headers=headers,
        timeout=10,
    )

    assert answer.json() == shown


def test_metrics_table_matches_the_services(services: Services) -> None:
    assert {(name, type_) for name, type_, _ in table("docs/metrics.md")} == services.metrics
