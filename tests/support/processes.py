"""Real processes for tests: a state folder of their own, and the servers that run on it."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
from requests.auth import AuthBase

ROOT = Path(__file__).parents[2]

SERVICES = {
    "classifier": "service.classifier:Classifier",
    "trainer": "service.trainer:Trainer",
    "stylist": "tests.support.services.dependent_service:Stylist",
}


def free_port() -> int:
    """A port that nothing listens on.

    It is below those that the system gives to outgoing connections: one of theirs could be taken
    before a server binds it.
    """
    while True:
        port = random.SystemRandom().randint(10_000, 32_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("", port))
            return port


def wait_for(
    condition: Callable[[], object], seconds: float = 30, what: str = "the condition"
) -> None:
    """Return once the condition holds; fail the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether something answers 200 at this address."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def living(home: Path, name: str | None = None) -> list[psutil.Process]:
    """The processes that a launcher started on this folder, or of one line of the Procfile.

    With all their descendants, oldest first.
    """
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if environment.get("WARDROBE_HOME") == str(home) and name in (
            None,
            environment.get("WARDROBE_PROCESS"),
        ):
            found.append(process)
    return sorted(found, key=lambda process: process.create_time())


HOMES: dict[str, Path] = {}
"""The state folder of each service that `Home.serve` has started, by its address."""


class Bearer(AuthBase):
    """Sends a token, as the `auth` of a request."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def page_token(url: str, role: str = "operator") -> str:
    """The page's token of a role, for a service at this address."""
    tokens = json.loads((HOMES[url] / "tokens.json").read_text())
    return str(tokens[role])


def operator(url: str) -> Bearer:
    """The `auth` of an operator, for the service at this address."""
    return Bearer(page_token(url))


def call(method: str, url: str, path: str, **request: Any) -> requests.Response:
    """The answer to an operator's request to the service at this address."""
    return requests.request(method, url + path, timeout=60, auth=operator(url), **request)


@dataclass
class Server:
    """A process in a group of its own, with its address and its log."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str) -> Any:
        """The JSON answer to a GET."""
        return requests.get(self.url + path, timeout=10).json()

    def post(self, path: str, **request: Any) -> requests.Response:
        """The answer to a POST."""
        return self.call("POST", path, **request)

    def call(self, method: str, path: str, **request: Any) -> requests.Response:
        """The answer to an operator's request."""
        return call(method, self.url, path, **request)

    def stop(self) -> None:
        """Ask it to end, as Ctrl-C does; insist after 10 s."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def kill(self) -> None:
        """End it and its workers at once, as a power cut does; but not a training run."""
        server = psutil.Process(self.process.pid)
        for process in (server, *server.children()):
            process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Home:
    """A WARDROBE_HOME for tests, and what can be run on it."""

    path: Path
    logs: Path | None = None
    """Where its services write their logs; the folder itself by default."""

    def environment(self, **extra: str) -> dict[str, str]:
        """The environment of processes that use it."""
        return {
            **os.environ,
            "WARDROBE_HOME": str(self.path),
            "BENTOML_DO_NOT_TRACK": "True",
            "OMP_NUM_THREADS": "1",  # two test processes share two cores
            **extra,
        }

    def serve(self, name: str, **extra: str) -> Server:
        """Start a service with `bentoml serve` and wait until it is alive."""
        port = free_port()
        log = (self.logs or self.path) / f"{name}.log"
        extra.setdefault("BENTOML_HOME", str(self.path / "bentoml" / name))
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "bentoml", "serve", SERVICES[name], "--port", str(port)],
                cwd=ROOT,
                env=self.environment(**extra),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(f"http://127.0.0.1:{port}", process, log)
        HOMES[server.url] = self.path

        def is_up() -> bool:
            assert process.poll() is None, log.read_text()
            return answers(f"{server.url}/livez")

        wait_for(is_up, 60, f"{name} answering")
        return server

    def take_models_of(self, other: "Home") -> None:
        """Begin with the versions of another folder, and its champion."""
        shutil.copytree(other.path / "models", self.path / "models")
        shutil.copy(other.path / "champion", self.path / "champion")

    def train(self, *options: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m training.train` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "training.train", *options],
            cwd=ROOT,
            env=self.environment(**extra),
            capture_output=True,
            text=True,
            check=False,
        )


MakeHome = Callable[[], Home]
