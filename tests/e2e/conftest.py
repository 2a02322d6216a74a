"""All processes, started as in the README."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest
import requests

from tests.support.processes import HOMES, ROOT, Home, MakeHome, free_port, living, wait_for

PORTS = ("CLASSIFIER_PORT", "TRAINER_PORT", "PROMETHEUS_PORT", "APP_PORT")


class Visited(Protocol):
    """Addresses of a running Wardrobe, however it was started."""

    @property
    def url(self) -> str:
        """The page's address."""

    def at(self, name: str) -> str:
        """The address of one process: `classifier`, `trainer`, `prometheus` or `app`."""

    def get(self, name: str, path: str) -> Any:
        """The JSON answer of a service to a GET."""


@dataclass
class Wardrobe:
    """Processes of `make run`, with their own state folder and ports."""

    home: Path
    ports: dict[str, int]
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """The one address that it printed. Waits for it: a first start trains a model."""

        def found() -> re.Match[str] | None:
            assert self.process.poll() is None, self.log.read_text()
            return re.search(r"^Wardrobe is ready: (http\S+)$", self.log.read_text(), re.MULTILINE)

        wait_for(found, 300, "the address of the page")
        match = found()
        assert match is not None
        return match[1]

    def at(self, name: str) -> str:
        """The address of one process: `classifier`, `trainer`, `prometheus` or `app`."""
        return f"http://127.0.0.1:{self.ports[f'{name.upper()}_PORT']}"

    def get(self, name: str, path: str) -> Any:
        """The JSON answer of a service to a GET."""
        return requests.get(self.at(name) + path, timeout=10).json()

    def processes(self, name: str | None = None) -> list[psutil.Process]:
        """The living processes, or those of one line of the Procfile, oldest first."""
        return living(self.home, name)

    def interrupt(self) -> None:
        """Ctrl-C in the terminal: the signal reaches everything that the terminal started."""
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def launched(home: Path, log: Path, *command: str) -> Iterator[Wardrobe]:
    """Start everything on a state folder with this command, and stop it like Ctrl-C."""
    ports = {name: free_port() for name in PORTS}
    environment = {**os.environ, "WARDROBE_HOME": str(home)}
    environment |= {name: str(port) for name, port in ports.items()}
    environment |= {"TRAIN_STANDARD_AFTER": "0"}  # nothing trains beside what a test does
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = Wardrobe(home, ports, process, log)
    HOMES[started.at("trainer")] = home
    yield started
    if process.poll() is None:
        started.interrupt()
        process.wait(30)


@pytest.fixture(scope="module")
def wardrobe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wardrobe]:
    """`make run`, on an empty state folder."""
    folder = tmp_path_factory.mktemp("wardrobe")
    with launched(folder / "home", folder / "log", "make", "run") as started:
        yield started


@pytest.fixture(scope="module")
def trained(
    make_home: MakeHome, home: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Wardrobe]:
    """What `make run` starts, on a state folder that has a model already."""
    own = make_home()
    own.take_models_of(home)
    log = tmp_path_factory.mktemp("log") / "log"
    with launched(own.path, log, sys.executable, "-m", "launcher") as started:
        assert started.url
        yield started


def is_served(wardrobe: Wardrobe) -> bool:
    """Whether every worker serves the champion."""
    try:
        model = requests.get(f"{wardrobe.at('classifier')}/model", timeout=5).json()
    except requests.RequestException:
        return False
    return bool(model["serving"] == {model["tag"]: 2})
