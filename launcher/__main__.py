"""Start the processes of the Procfile, keep them alive and stop them without a trace.

    python -m launcher       start; `make run` does the set-up first
    python -m launcher stop  stop it from another terminal

A process that dies is started again within a second. Ctrl-C, SIGTERM and a closed terminal stop
all of them within 5 seconds.

The supervisor is circus (from kantoku, BentoML's upkept release of it, which every bentoml
installs). It runs inside this program, so that one loop also takes the signals and prints each
line under its process's name. supervisord restarts too, but names no lines, needs a second
configuration and treats a closed terminal as a wish to start anew; honcho names the lines, but
ends everything when one process dies.
"""

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import shlex
import shutil
import signal
import socket
import string
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import requests
from circus.arbiter import Arbiter
from circus.exc import ConflictError
from circus.watcher import Watcher
from tornado.ioloop import IOLoop

import settings

ROOT = Path(__file__).resolve().parents[1]
GRACE = 3.0
"""Seconds that a process has to end by itself before it is killed."""
DEATHS_BEFORE_READY = 5
"""A process that dies this often before the page is ready will not come up by itself."""
PATIENCE = 20.0
"""Seconds without a model and without a training after which the page is shown all the same."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotStartError(Exception):
    """Why Wardrobe does not start, in a sentence that says what to do."""


def main() -> int:
    """Run one command. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Start or stop Wardrobe.")
    parser.add_argument("command", nargs="?", choices=("start", "stop"), default="start")
    command = parser.parse_args().command
    home = settings.home()
    try:
        return stop(home) if command == "stop" else start(home)
    except (CannotStartError, ValueError) as reason:
        print(reason, file=sys.stderr)
        return 1


def start(home: Path) -> int:
    """Run everything until a signal says stop. Returns the exit code."""
    with the_only_launcher(home):
        kill_launched(home)  # what a launcher left that was itself killed
        check_ports()
        environment = process_environment(home)
        commands = read_procfile(environment)
        write_prometheus_config(home)
        launcher = Launcher(home, environment, commands)
        try:
            asyncio.run(launcher.run())
        finally:
            for number in SIGNALS:  # from here it takes a moment, and has to be done
                signal.signal(number, signal.SIG_IGN)
            kill_launched(home)
    if launcher.failure:
        raise CannotStartError(launcher.failure)
    say("Wardrobe has stopped.")
    return 0


def stop(home: Path) -> int:
    """Stop a running launcher, and what a killed one left behind. Returns the exit code."""
    launcher = running_launcher(home)
    if launcher:
        os.kill(launcher, signal.SIGTERM)
        deadline = time.monotonic() + 3 * GRACE
        while running_launcher(home) == launcher:
            if time.monotonic() > deadline:
                os.kill(launcher, signal.SIGKILL)
            time.sleep(0.1)
    left = kill_launched(home)
    say("Wardrobe has stopped." if launcher or left else f"Nothing runs on {home}.")
    return 0


# --- One launcher a folder -----------------------------------------------------------------------
#
# The launcher holds a lock on its pid file for as long as it lives. A lock ends with its process,
# however that ends, so a number that the system gave to another process is never taken for it.


def pid_file(home: Path) -> Path:
    """Where the launcher of this folder writes its process number."""
    return home / "launcher.pid"


@contextlib.contextmanager
def the_only_launcher(home: Path) -> Iterator[None]:
    """Hold the folder's pid file. Raises CannotStartError when another launcher does."""
    home.mkdir(parents=True, exist_ok=True)
    with pid_file(home).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStartError(
                f"Wardrobe runs already, as process {running_launcher(home)}: "
                f"open {page_url()}, or stop it with `make stop`."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            pid_file(home).unlink(missing_ok=True)


def running_launcher(home: Path) -> int | None:
    """The process number of this folder's launcher, or None when none runs."""
    try:
        with pid_file(home).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read())
    except FileNotFoundError:
        pass
    return None


# --- What a launcher started ---------------------------------------------------------------------


def launched(home: Path, name: str | None = None) -> Iterator[psutil.Process]:
    """The living processes that a launcher of this folder started, with all their descendants.

    They are known by their environment, which an orphaned worker and a training run in a session
    of its own still carry. `name` chooses the descendants of one line of the Procfile.
    """
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue  # it ended, or it is another user's
        its_name = environment.get("WARDROBE_PROCESS")
        if its_name and name in (None, its_name) and environment["WARDROBE_HOME"] == str(home):
            yield process


def kill_launched(home: Path) -> int:
    """Kill what `launched` finds, and what that started meanwhile. Returns how many they were."""
    count = 0
    for _ in range(5):
        found = list(launched(home))
        kill(found)
        count += len(found)
        if not found:
            break
    return count


def free_port(home: Path, name: str) -> None:
    """Kill what a dead process left that still listens on its port: the workers of a server.

    A training run does not listen; it outlives a killed trainer, and the next one finds it again.
    """
    port = settings.get_int(f"{name.upper()}_PORT")
    kill([process for process in launched(home, name) if holds_port(process, port)])


def holds_port(process: psutil.Process, port: int) -> bool:
    """Whether this process has the socket on which others connect to this port."""
    with contextlib.suppress(psutil.Error):
        return any(listens_on(one, port) for one in process.net_connections("tcp"))
    return False


def listens_on(connection: Any, port: int) -> bool:
    """Whether a connection, as psutil tells of it, is a server's on this port."""
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr.port == port)


def kill(processes: list[psutil.Process]) -> None:
    """Kill these processes and wait for their end."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=0.5)


# --- Before the start ----------------------------------------------------------------------------


def page_url() -> str:
    """Where a person opens the page."""
    return f"http://localhost:{settings.get('APP_PORT')}"


def check_ports() -> None:
    """Raises CannotStartError when a port is not free, ValueError when a setting is no number."""
    names = [setting.name for setting in settings.SETTINGS if setting.name.endswith("_PORT")]
    ports: dict[int, str] = {}
    for name in names:
        port = settings.get_int(name)
        if port in ports:
            raise CannotStartError(f"{ports[port]} and {name} are both {port}: change one of them.")
        ports[port] = name
        if not 0 < port < 65536 or not is_free(port):
            raise CannotStartError(
                f"Port {port} is taken{used_by(port)}: free it, or choose another one, "
                f"as in `{name}={port + 10} make run`."
            )


def is_taken(port: int) -> bool:
    """Whether a server answers on this port of 127.0.0.1."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def is_free(port: int) -> bool:
    """Whether a server can listen on this port of 127.0.0.1."""
    if is_taken(port):
        return False
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def used_by(port: int) -> str:
    """' by NAME (process N)' for the process that listens there; '' when that is not to be seen."""
    with contextlib.suppress(psutil.Error):  # macOS shows other users' to root only
        for connection in psutil.net_connections("tcp"):
            if listens_on(connection, port) and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def process_environment(home: Path) -> dict[str, str]:
    """What every process finds in its environment: the settings, filled in, and this program's."""
    values = {setting.name: settings.get(setting.name) for setting in settings.SETTINGS}
    return {
        **os.environ,
        **values,
        "WARDROBE_HOME": str(home),
        "TRAIN_FIRST_MODEL": os.environ.get("TRAIN_FIRST_MODEL") or "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
        "BENTOML_DO_NOT_TRACK": "True",
    }


def read_procfile(environment: dict[str, str]) -> dict[str, list[str]]:
    """The command of each process, by its name, with settings filled in.

    Raises CannotStartError when a command is not installed.
    """
    commands = {}
    for line in Path(ROOT, "Procfile").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, command = line.partition(":")
        words = [string.Template(word).substitute(environment) for word in shlex.split(command)]
        program = shutil.which(words[0], path=environment["PATH"])
        if program is None:
            raise CannotStartError(
                f"{words[0]} is not installed: `make run` installs what is missing."
            )
        commands[name] = [program, *words[1:]]
    return commands


def write_prometheus_config(home: Path) -> None:
    """Fill the ports into monitoring/prometheus.local.yml. Prometheus itself knows no variables."""
    template = string.Template(Path(ROOT, "monitoring/prometheus.local.yml").read_text())
    values = {setting.name: settings.get(setting.name) for setting in settings.SETTINGS}
    text = template.substitute(values, RULES=str(ROOT / "monitoring/rules/*.yml"))
    (home / "prometheus.yml").write_text(text)


# --- While it runs -------------------------------------------------------------------------------


def say(text: str) -> None:
    """Print a line. A terminal that was closed is no reason to leave processes behind."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


class Output:
    """What one process writes, printed line by line under the process's name.

    It is one pipe for as long as the launcher runs. circus's own redirection opens one for each
    start instead, and breaks when a killed process leaves children that still hold the old one.
    """

    def __init__(self, name: str, width: int) -> None:
        self.prefix = f"{name:<{width}} | "
        self.rest = b""
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_inheritable(self.writer, True)

    def into_here(self, command: list[str]) -> list[str]:
        """The command that runs `command` with stdout and stderr into this pipe."""
        return ["sh", "-c", f'exec "$@" >/dev/fd/{self.writer} 2>&1', "sh", *command]

    def print(self) -> bool:
        """Print the lines that have come. Returns whether anything had."""
        try:
            chunk = os.read(self.reader, 65536)
        except BlockingIOError:
            return False
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            say(self.prefix + line.decode(errors="replace").rstrip("\r"))
        return True

    def end_line(self) -> None:
        """Print what is there, a last line without an end included."""
        while self.print():
            pass
        if self.rest:
            say(self.prefix + self.rest.decode(errors="replace"))
            self.rest = b""


class Launcher:
    """Runs the processes. `failure` says afterwards why it gave up, if it did."""

    def __init__(
        self, home: Path, environment: dict[str, str], commands: dict[str, list[str]]
    ) -> None:
        self.home = home
        self.environment = environment
        self.commands = commands
        width = max(map(len, commands))
        self.outputs = {name: Output(name, width) for name in commands}
        self.failure: str | None = None
        self.deaths = dict.fromkeys(commands, 0)
        self.ready = threading.Event()
        self.stopping = threading.Event()

    async def run(self) -> None:
        """Start all, and return when all have ended."""
        # It logs an error each time that its check meets its own start of a process.
        logging.getLogger("circus").setLevel(logging.CRITICAL)
        # inproc: circus's own control sockets need neither a port nor a file.
        arbiter = Arbiter(
            [self.watcher(name, command) for name, command in self.commands.items()],
            "inproc://launcher-control",
            "inproc://launcher-events",
            check_delay=0.5,
            loop=IOLoop.current(),
        )
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.stopping.set)
        for output in self.outputs.values():
            loop.add_reader(output.reader, output.print)
        await arbiter.start()
        threading.Thread(target=self.announce, daemon=True).start()
        while not self.stopping.is_set() and arbiter.running:
            await asyncio.sleep(0.1)
        if not self.stopping.is_set():
            self.failure = "The system refused to start a process: is there memory left?"
            self.stopping.set()
        say("Stopping ...")
        await self.stop(arbiter)
        for output in self.outputs.values():
            output.end_line()

    async def stop(self, arbiter: Any) -> None:
        """Ask each process to end; after GRACE seconds, kill it."""
        while arbiter.running:
            with contextlib.suppress(ConflictError):  # circus is just starting a process again
                await arbiter.stop()
            await asyncio.sleep(0.05)

    def watcher(self, name: str, command: list[str]) -> Any:
        """What circus has to know to run one process."""
        program, *arguments = self.outputs[name].into_here(command)
        return Watcher(
            name,
            program,
            args=arguments,
            working_dir=str(ROOT),
            env={
                **self.environment,
                "WARDROBE_PROCESS": name,
                # A server wipes its metrics' folder in there as it starts: each needs its own.
                "BENTOML_HOME": str(self.home / "bentoml" / name),
            },
            use_sockets=True,  # or it closes every inherited file, the output's pipe as well
            graceful_timeout=GRACE,
            hooks={
                "before_spawn": (self.clear_the_way, False),
                "after_reap": (self.note_death, True),
            },
        )

    def clear_the_way(self, watcher: Any, **_: Any) -> bool:
        """Before each start: end a line left half, take the port back from what was left."""
        self.outputs[watcher.name].end_line()
        free_port(self.home, watcher.name)
        return True

    def note_death(self, watcher: Any, exit_code: int, **_: Any) -> None:
        """Say that a process died; give up when it never came up."""
        if self.stopping.is_set():
            return
        self.deaths[watcher.name] += 1
        if self.ready.is_set() or self.deaths[watcher.name] < DEATHS_BEFORE_READY:
            say(f"{watcher.name} has died (exit code {exit_code}): starting it again.")
        else:
            self.failure = f"{watcher.name} does not start: its lines above say why."
            self.stopping.set()

    def announce(self) -> None:
        """Print the first training's progress, and the page's address as soon as it is of use."""
        told, started, deadline = "", datetime.now(UTC), time.monotonic() + PATIENCE
        ports = [settings.get_int(f"{name.upper()}_PORT") for name in self.commands]
        while not self.stopping.wait(0.5):
            if not all(map(is_taken, ports)) or not fetch(f"{page_url()}/_stcore/health"):
                deadline = time.monotonic() + PATIENCE
                continue
            if fetch(f"{settings.get('CLASSIFIER_URL')}/readyz"):
                break
            training = first_training(started)
            if training and training["state"] in ("failed", "cancelled", "interrupted"):
                say(f"The first training {training['state']}: {training['error']}")
                break
            if training and training["state"] != "succeeded":
                deadline = time.monotonic() + PATIENCE
                if (words := progress(training)) != told:
                    say(told := words)
            if time.monotonic() > deadline:
                break
        else:
            return
        self.ready.set()
        say(f"Wardrobe is ready: {page_url()}")


def first_training(since: datetime) -> dict[str, Any] | None:
    """The record of the newest training run, or None when there is none since then."""
    answer = fetch(f"{settings.get('TRAINER_URL')}/runs")
    runs: list[dict[str, Any]] = answer.json()["runs"] if answer else []
    return next((it for it in runs if datetime.fromisoformat(it["created_at"]) > since), None)


def progress(training: dict[str, Any]) -> str:
    """How far a training run is, in steps of ten percent so that a log stays short."""
    percent = int(training["progress"] * 10) * 10
    return f"Training the first model: {training['phase']}, {percent} % done."


def fetch(url: str) -> requests.Response | None:
    """The answer to a GET, or None when there is none or it is not a good one."""
    try:
        answer = requests.get(url, timeout=2)
    except requests.RequestException:
        return None
    return answer if answer.ok else None


if __name__ == "__main__":
    sys.exit(main())
