"""The real launcher with the real Prometheus and stand-ins for the other processes."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.support.processes import living

ROOT = Path(__file__).parents[3]
STAND_IN = ROOT / "tests" / "support" / "launcher" / "stand_in.py"
NAMES = ("classifier", "trainer", "prometheus", "app")
PORTS = tuple(f"{name.upper()}_PORT" for name in NAMES)
PROMETHEUS = next(
    line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("prometheus:")
)


class Wardrobe:
    """A folder with all that the launcher needs, and the launcher itself once it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # No longer than a socket's path may be: nothing may depend on a short folder name.
        self.home = folder / "state" / ("x" * 120)
        shutil.copy(ROOT / "settings.py", folder)
        # The launcher makes the page's tokens by service/, which needs training/.
        for part in ("launcher", "service", "training"):
            shutil.copytree(
                ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copytree(ROOT / "monitoring", folder / "monitoring")
        self.set_processes()
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
        self.ports = {name: it.getsockname()[1] for name, it in zip(PORTS, sockets, strict=True)}
        for it in sockets:
            it.close()
        self.process: subprocess.Popen[str] | None = None

    def set_processes(self, runs: str = "", **lines: str) -> None:
        """Write the Procfile. `runs` is what the trainer tells of training runs, as JSON."""
        commands = {
            name: f"python {STAND_IN} ${name.upper()}_PORT '{runs or '[]'}'" for name in NAMES
        } | lines
        text = [f"{name}: {commands[name]}" for name in NAMES if name != "prometheus"]
        (self.folder / "Procfile").write_text("\n".join([*text, PROMETHEUS, ""]))

    @property
    def environment(self) -> dict[str, str]:
        ports = {name: str(port) for name, port in self.ports.items()}
        return os.environ | ports | {"WARDROBE_HOME": str(self.home)}

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports['APP_PORT']}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the launcher to its end."""
        return subprocess.run(
            [sys.executable, "-m", "launcher", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def start(self) -> subprocess.Popen[str]:
        with (self.folder / "output").open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "launcher"],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        return self.process

    def start_and_wait(self) -> subprocess.Popen[str]:
        process = self.start()
        wait_for(lambda: "Wardrobe is ready" in self.output, self)
        return process

    def alive(self, name: str | None = None) -> list[psutil.Process]:
        """Every living process that works on this folder; `name` chooses one line's."""
        return living(self.home, name)

    def started(self, name: str) -> list[psutil.Process]:
        """The process that the launcher itself started for this line, if it is there."""
        assert self.process
        alive = {it.pid for it in self.alive(name)}
        return [it for it in psutil.Process(self.process.pid).children() if it.pid in alive]

    def open_ports(self) -> list[str]:
        return [name for name in PORTS if answers(self.ports[name])]


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], object], wardrobe: Wardrobe, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen:\n{wardrobe.output}"
        time.sleep(0.05)


def clean_up(wardrobe: Wardrobe) -> None:
    for process in wardrobe.alive():
        process.kill()
    if wardrobe.process:
        wardrobe.process.wait()
