"""A composed Wardrobe for tests: a fresh clone of this repository under a project of its own."""

import json
import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from tests.support.processes import ROOT, Bearer, free_port, wait_for

SERVICES = ("classifier", "trainer", "prometheus", "app")
INSIDE = {"classifier": 3000, "trainer": 3002, "prometheus": 9090, "app": 8501}
HEALTH = {
    "classifier": "/readyz",
    "trainer": "/readyz",
    "prometheus": "/-/ready",
    "app": "/_stcore/health",
}


def docker(*words: str, check: bool = True, **options: Any) -> str:
    """What `docker WORDS` prints. A failure fails the test, with what docker said."""
    ran: subprocess.CompletedProcess[str] = subprocess.run(
        ["docker", *words], capture_output=True, text=True, check=False, **options
    )
    assert not check or ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.strip()


def engine_missing() -> str | None:
    """Why there is no Docker engine to test with, or None where one answers."""
    try:
        docker("version")
        docker("compose", "version")
    except FileNotFoundError:
        return "docker is not installed"
    except AssertionError as error:
        return f"no Docker engine with compose answers: {str(error).strip().splitlines()[-1]}"
    return None


@dataclass
class Stack:
    """The project's compose file, as a user has it, on free ports."""

    folder: Path
    project: str = "wardrobe-test"
    files: list[str] = field(
        default_factory=lambda: ["docker-compose.yml", "docker-compose.ports.yml"]
    )
    ports: dict[str, str] = field(
        default_factory=lambda: {f"{name.upper()}_PORT": str(free_port()) for name in SERVICES}
    )
    settings: dict[str, str] = field(
        # `Load` sends more pictures than a person may, and nothing trains beside it.
        default_factory=lambda: {
            "LOGIN": "off",
            "PICTURES_PER_MINUTE": "0",
            "TRAIN_STANDARD_AFTER": "0",
        }
    )

    def compose(self, *words: str, check: bool = True, **options: Any) -> str:
        """What `docker compose WORDS` prints."""
        files = [word for name in self.files for word in ("--file", name)]
        environment = {**_environment(), **self.ports, **self.settings}
        return docker(
            "compose", "--project-name", self.project, *files, *words,
            check=check, cwd=self.folder, env=environment, **options,
        )  # fmt: skip

    def up(self, *words: str) -> float:
        """`docker compose up --wait`. Returns the seconds that it took."""
        began = time.monotonic()
        self.compose("up", "--detach", "--wait", *words)
        return time.monotonic() - began

    def container(self, name: str, number: int = 1) -> str:
        """The id of a service's container."""
        labels = {"project": self.project, "service": name, "container-number": str(number)}
        filters = [f"--filter=label=com.docker.compose.{key}={it}" for key, it in labels.items()]
        return docker("ps", "--all", "--quiet", *filters)

    def inspect(self, name: str, number: int = 1) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        described: list[dict[str, Any]] = json.loads(
            docker("inspect", self.container(name, number))
        )
        return described[0]

    def at(self, name: str, number: int = 1) -> str:
        """The address at which a service is published."""
        inside = str(INSIDE[name])
        port = self.compose("port", "--index", str(number), name, inside).rpartition(":")[2]
        return f"http://127.0.0.1:{port}"

    @property
    def url(self) -> str:
        """The page's address."""
        return self.at("app")

    def get(self, name: str, path: str) -> Any:
        """The JSON answer of a service to a GET."""
        return requests.get(self.at(name) + path, timeout=10, auth=self.operator).json()

    def ask(self, query: str) -> list[dict[str, Any]]:
        """What Prometheus answers to a query now."""
        found: list[dict[str, Any]] = requests.get(
            f"{self.at('prometheus')}/api/v1/query", params={"query": query}, timeout=10
        ).json()["data"]["result"]
        return found

    def health(self) -> dict[str, str]:
        """What `docker compose ps` says of each service."""
        lines = [json.loads(it) for it in self.compose("ps", "--format", "json").splitlines()]
        # Older releases of compose print one list, newer ones a line for each.
        services = lines[0] if lines and isinstance(lines[0], list) else lines
        return {service["Service"]: service["Health"] for service in services}

    @property
    def operator(self) -> Bearer:
        """The `auth` of an operator."""
        return Bearer(self.tokens["operator"])

    @cached_property
    def tokens(self) -> dict[str, str]:
        """The page's token of each role. They live as long as their volume."""
        found: dict[str, str] = json.loads(
            self.compose("exec", "-T", "trainer", "cat", "/tokens/tokens.json")
        )
        return found

    def kept(self) -> dict[str, Any]:
        """What must outlive every container: versions, the champion, runs, corrections."""
        return {
            path: self.get("trainer", path)
            for path in ("/models", "/runs", "/corrections?limit=10")
        }

    def run_to_the_end(self, **asked: Any) -> dict[str, Any]:
        """Train, and return the run's record when it has ended."""
        url = f"{self.at('trainer')}/runs"
        began = requests.post(url, json=asked, timeout=10, auth=self.operator).json()
        path = f"/runs/{began['run_id']}"
        wait_for(lambda: self.get("trainer", path)["ended_at"], 300, "the run's end")
        run: dict[str, Any] = self.get("trainer", path)
        return run

    def leftovers(self) -> list[str]:
        """The containers, volumes and networks of this project that exist."""
        label = f"label=com.docker.compose.project={self.project}"
        return [
            *docker("ps", "--all", "--quiet", "--filter", label).split(),
            *docker("volume", "ls", "--quiet", "--filter", label).split(),
            *docker("network", "ls", "--quiet", "--filter", label).split(),
        ]


def kill_main_process(described: dict[str, Any]) -> None:
    """`kill -9` on the engine's machine, as a crash or the kernel does it.

    `docker kill` is taken for a wish, and nothing is started again after it.
    """
    pid = described["State"]["Pid"]
    docker(
        "run", "--rm", "--pid", "host", "--user", "0", "wardrobe-service",
        "python", "-c", f"import os; os.kill({pid}, 9)",
    )  # fmt: skip


class Load:
    """Clients that ask one after the other without a pause, while the `with` lasts."""

    def __init__(self, url: str, picture: bytes, auth: Bearer, clients: int = 4) -> None:
        self._url, self._picture, self._auth = url, picture, auth
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        self.answered = 0
        self.failed: list[tuple[float, str]] = []
        """Moment, as time.monotonic tells it, and what happened."""

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        wait_for(lambda: self.answered, 10, "an answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        session = requests.Session()
        session.auth = self._auth
        while not self._stop.is_set():
            try:
                answer = session.post(
                    f"{self._url}/classify",
                    data=self._picture,
                    headers={"Content-Type": "image/png"},
                    timeout=10,
                )
                outcome = "" if answer.ok else f"code {answer.status_code}"
            except requests.RequestException as error:
                outcome = type(error).__name__
            if outcome:
                self.failed.append((time.monotonic(), outcome))
                time.sleep(0.05)
            else:
                self.answered += 1


def answers(url: str) -> bool:
    """Whether something answers 200 there, soon."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def two_ports_in_a_row() -> str:
    """Two free ports as compose takes a range."""
    while True:
        first = free_port()
        try:
            with socket.socket() as second:
                second.bind(("127.0.0.1", first + 1))
        except OSError:
            continue
        return f"{first}-{first + 1}"


def clone(into: Path) -> Path:
    """A fresh clone of what is committed here."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(into)], check=True)
    return into


def _environment() -> dict[str, str]:
    settings = {"CLASSIFIER_PORT", "TRAINER_PORT", "PROMETHEUS_PORT", "APP_PORT", "TORCH"}
    return {name: value for name, value in os.environ.items() if name not in settings}
