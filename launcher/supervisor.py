"""Supervises the processes: starts them, restarts those that die, stops all of them."""

import asyncio
import contextlib
import logging
import math
import signal
import threading
import time
from pathlib import Path
from typing import Any

from circus.arbiter import Arbiter
from circus.exc import ConflictError
from circus.watcher import Watcher
from tornado.ioloop import IOLoop

from launcher.console import ProcessOutput, print_line
from launcher.ports import page_url
from launcher.processes import STOP_TIMEOUT_SECONDS, free_ports
from launcher.procfile import ROOT, environment_of
from launcher.readiness import wait_until_ready
from launcher.state_folder import move_away

MAX_EXITS_BEFORE_READY = 5
"""The launcher gives up on a process that dies this often before the page is ready."""
REPAIR_SECONDS = 5.0
"""Two exits of Prometheus within this time: its database is damaged."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Runs the processes. `failure` holds the reason if it gave up, otherwise None."""

    def __init__(
        self,
        home: Path,
        counters: Path,
        environment: dict[str, str],
        commands: dict[str, list[str]],
    ) -> None:
        self.home = home
        self.counters = counters
        self.environment = environment
        self.commands = commands
        width = max(map(len, commands))
        self.outputs = {name: ProcessOutput(name, width) for name in commands}
        self.failure: str | None = None
        self.prometheus_exit_at = -math.inf
        self.exits = dict.fromkeys(commands, 0)
        self.ready = threading.Event()
        self.stopping = threading.Event()

    async def run(self) -> None:
        """Start all processes, and return when all have ended."""
        # circus logs an error each time its check runs while it is starting a process itself.
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
            loop.add_reader(output.reader, output.print_lines)
        await arbiter.start()
        threading.Thread(target=self.announce, daemon=True).start()
        while not self.stopping.is_set() and arbiter.running:
            await asyncio.sleep(0.1)
        if not self.stopping.is_set():
            self.failure = "The system refused to start a process: is there memory left?"
            self.stopping.set()
        print_line("Stopping ...")
        await self.stop(arbiter)
        for output in self.outputs.values():
            output.flush()

    async def stop(self, arbiter: Any) -> None:
        """Send SIGTERM to each process; kill it after STOP_TIMEOUT_SECONDS."""
        while arbiter.running:
            with contextlib.suppress(ConflictError):  # circus is just restarting a process
                await arbiter.stop()
            await asyncio.sleep(0.05)

    def watcher(self, name: str, command: list[str]) -> Any:
        """Configuration of one process for circus."""
        program, *arguments = self.outputs[name].redirected(command)
        return Watcher(
            name,
            program,
            args=arguments,
            working_dir=str(ROOT),
            env={
                **environment_of(name, self.environment),
                "WARDROBE_PROCESS": name,
                # A server clears the folder of its metrics in there when it starts.
                "BENTOML_HOME": str(self.counters / name),
            },
            use_sockets=True,  # otherwise it closes inherited files, including the output's pipe
            graceful_timeout=STOP_TIMEOUT_SECONDS,
            hooks={
                "before_spawn": (self.before_spawn, False),
                "after_reap": (self.after_reap, True),
            },
        )

    def before_spawn(self, watcher: Any, **_: Any) -> bool:
        """Before each start: print an unfinished line, and free the process's ports."""
        self.outputs[watcher.name].flush()
        free_ports(self.home, watcher.name)
        return True

    def after_reap(self, watcher: Any, exit_code: int, **_: Any) -> None:
        """After each exit: print it; give up on a process that never came up."""
        if self.stopping.is_set():
            return
        self.exits[watcher.name] += 1
        if watcher.name == "prometheus" and exit_code in (1, 2):  # not by a signal
            self.repair_prometheus()
        if self.ready.is_set() or self.exits[watcher.name] < MAX_EXITS_BEFORE_READY:
            print_line(f"{watcher.name} has died (exit code {exit_code}): starting it again.")
        else:
            self.failure = f"{watcher.name} does not start: its lines above say why."
            self.stopping.set()

    def repair_prometheus(self) -> None:
        """Give a Prometheus that exits again and again a new database: its own may be damaged."""
        now = time.monotonic()
        is_again = now - self.prometheus_exit_at < REPAIR_SECONDS
        self.prometheus_exit_at = now
        if is_again:
            self.prometheus_exit_at = -math.inf
            with contextlib.suppress(OSError):
                move_away(self.home / "prometheus", "Prometheus does not start with it")

    def announce(self) -> None:
        """Print the page's address as soon as the page is usable."""
        if wait_until_ready(self.commands, self.stopping):
            self.ready.set()
            print_line(f"Wardrobe is ready: {page_url()}")
