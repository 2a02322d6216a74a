"""The README is true: its examples run, its tables are complete, its links lead somewhere.

A code block whose first line ends in `run` is run as it stands, against live services. If a block
of JSON follows, the example must print an answer of that shape.
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

import settings
from tests.support.processes import ROOT, Home, MakeHome, Server, answers, wait_for
from tests.support.shapes import same_shape

README = (ROOT / "README.md").read_text()

LARGEST_PICTURE = 400_000
"""Bytes: a README should not be slow to open."""


@dataclass(frozen=True)
class Example:
    """A code block that runs, and the answer that the README shows after it."""

    language: str
    code: str
    shown: str | None

    @property
    def name(self) -> str:
        """Its first call, for the list of tests."""
        found = re.search(r"_URL(?:\"\] \+ \"|)(/\w+)", self.code)
        return found[1] if found else self.code.split()[0]


def examples() -> list[Example]:
    blocks = r"^```(\w+) run\n(.*?)^```\n(?:```json\n(.*?)^```\n)?"
    found = re.findall(blocks, README, re.MULTILINE | re.DOTALL)
    return [Example(language, code, shown or None) for language, code, shown in found]


def table(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without backticks and without its head."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\|(.*)\|$", section, re.MULTILINE)[2:]
    assert rows, f"there is no table under {heading}"
    return [[cell.strip().replace("`", "") for cell in row.split("|")] for row in rows]


def json_values(text: str) -> list[Any]:
    """The JSON values that stand one after the other in what was printed."""
    decoder, values = json.JSONDecoder(), []
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:]
    return values


@dataclass(frozen=True)
class Services:
    """A classifier and a trainer with a model, a run that succeeded, a request each, a correction.

    They are this module's own: its examples start runs. `metrics` are the names and types that
    they had before.
    """

    classifier: Server
    trainer: Server
    metrics: set[tuple[str, str]]


@pytest.fixture(scope="module")
def services(home: Home, make_home: MakeHome) -> Iterator[Services]:
    own = make_home()
    [run] = [it for it in finished_runs(home) if it["result"]["previous_model"] is None]
    shutil.copytree(home.path / "models", own.path / "models")
    shutil.copytree(home.path / "runs" / run["run_id"], own.path / "runs" / run["run_id"])
    (own.path / "champion").write_text(f"{run['result']['model']}\n")
    classifier, trainer = own.serve("classifier", CLASSIFIER_WORKERS="1"), own.serve("trainer")
    wait_for(lambda: answers(f"{classifier.url}/readyz"), what="a model served")
    have_a_shadow(own, trainer)
    send_sneaker(classifier.url)
    trainer.get("/runs")
    correct_sneaker(trainer)
    metrics = metric_types(classifier.url) | metric_types(trainer.url)
    yield Services(classifier, trainer, metrics)
    trainer.stop()
    classifier.stop()


def have_a_shadow(home: Home, trainer: Server) -> None:
    """A copy of the champion under another name, for the metrics that only a shadow has."""
    version = (home.path / "champion").read_text().strip()
    folder = home.path / "models" / version.partition(":")[0]
    shutil.copytree(folder / version.partition(":")[2], folder / "shadowaaaaaaaaaa")
    description = folder / "shadowaaaaaaaaaa" / "model.yaml"
    text = description.read_text().replace(version.partition(":")[2], "shadowaaaaaaaaaa")
    description.write_text(text)
    requests.put(f"{trainer.url}/shadow", json={"version": "shadowaaaaaaaaaa"}, timeout=30)
    wait_for(lambda: trainer.get("/shadow")["workers"] == 1, what="a shadow")


def finished_runs(home: Home) -> list[dict[str, Any]]:
    records = [json.loads(path.read_text()) for path in home.path.glob("runs/*/run.json")]
    return [record for record in records if record["state"] == "succeeded"]


def send_sneaker(url: str) -> None:
    picture = (ROOT / "docs" / "sneaker.png").read_bytes()
    headers = {"Content-Type": "image/png"}
    requests.post(f"{url}/classify", data=picture, headers=headers, timeout=10)


def correct_sneaker(trainer: Server) -> None:
    """So that there is something to learn from, whichever examples have run."""
    picture = (ROOT / "docs" / "sneaker.png").read_bytes()
    said = {"label": "Sandal", "predicted": "Sneaker"}
    answer = trainer.post("/corrections", files={"image": picture}, data=said)
    assert answer.ok, answer.text


def metric_types(url: str) -> set[tuple[str, str]]:
    text = requests.get(f"{url}/metrics", timeout=10).text
    return set(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the examples find the files that they name, and may leave others."""
    for name in ("docs", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_each_example_runs_and_answers_as_it_says(
    example: Example, folder: Path, services: Services
) -> None:
    command = {
        "bash": ["bash", "-euo", "pipefail", "-c"],
        "python": [sys.executable, "-c"],
    }[example.language]
    urls = {"CLASSIFIER_URL": services.classifier.url, "TRAINER_URL": services.trainer.url}
    done = subprocess.run(
        [*command, example.code],
        cwd=folder,
        env=os.environ | urls,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    left = {path.name for path in folder.iterdir()} - {"docs", "README.md"}
    assert done.stdout or left
    if "/preview" in example.code:
        assert (folder / "seen.png").read_bytes().startswith(b"\x89PNG")
    if example.language == "python":
        assert len(done.stdout.split(",")) == 3
        return
    said = json_values(done.stdout)
    if example.shown is None:
        assert not any("error" in value for value in said), done.stdout
    else:
        assert same_shape(said[-1], json.loads(example.shown)), done.stdout


def test_each_call_of_the_contract_has_an_example() -> None:
    code = "\n".join(example.code for example in examples())
    for call in (
        "/classify",
        "/classify_many",
        "/preview",
        "/model",
        "/recipes",
        "/runs",
        "/runs/$RUN",
        "/runs/$RUN/events",
        "/runs/$RUN/cancel",
        "/models",
        "/models/$VERSION/report",
        "/models/$VERSION/promote",
        "/corrections",
        "/corrections/$ID",
        "/corrections/$ID/image",
        "/corrections/export",
        "/corrections/import",
    ):
        assert re.search(rf"_URL(?:\"\] \+ \")?{re.escape(call)}(?![\w/])", code), call


def test_the_refusal_that_is_shown_is_the_one_that_comes(services: Services) -> None:
    [shown] = [json.loads(it.shown) for it in examples() if it.shown and '"error"' in it.shown]
    headers = {"Content-Type": "image/png"}
    answer = requests.post(
        f"{services.classifier.url}/classify", data=README.encode(), headers=headers, timeout=10
    )

    assert answer.json() == shown


def test_every_setting_is_listed_with_its_default_and_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for setting in settings.SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)

    assert table("Settings") == [
        [setting.name, settings.get(setting.name), setting.help] for setting in settings.SETTINGS
    ]


def test_every_metric_is_listed_with_its_type(services: Services) -> None:
    assert {(name, type_) for name, type_, _ in table("Metrics")} == services.metrics


def test_each_process_is_listed_with_its_port() -> None:
    listed = {name: port for name, port, _ in table("How the pieces talk")}

    assert set(listed) == {"classifier", "trainer", "prometheus", "app", "grafana"}
    for name, port in listed.items():
        if name != "grafana":  # only compose starts it, and no setting moves it
            setting = next(it for it in settings.SETTINGS if it.name == f"{name.upper()}_PORT")
            assert port == setting.default


def test_every_command_is_listed() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {command for command, _ in table("Run it")} == {
        f"make {target}" for target in targets if target != "help"
    }


def test_what_is_linked_is_there_and_small() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert "docs/screenshot.png" in linked
    for path in linked:
        assert (ROOT / path).stat().st_size < LARGEST_PICTURE, path


def test_each_file_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:app|docs|monitoring|service|tests|training)/[\w./]*)`", README)
    assert len(named) > 10
    for path in named:
        assert (ROOT / path).exists(), path
