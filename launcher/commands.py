"""The two commands, from top to bottom: start everything, stop everything."""

import asyncio
import os
import signal
import time
from pathlib import Path

from launcher.console import print_line
from launcher.errors import CannotStartError
from launcher.pid_file import hold_pid_file, running_launcher
from launcher.ports import check_ports
from launcher.processes import STOP_TIMEOUT_SECONDS, kill_started_processes
from launcher.procfile import process_environment, read_procfile
from launcher.prometheus_config import write_prometheus_config
from launcher.supervisor import SIGNALS, Supervisor
from service.access import tokens


def start(home: Path) -> int:
    """Run everything until a signal ends it. Returns the exit code.

    Raises CannotStartError when something is missing or does not come up, and ValueError when a
    setting has no valid value.
    """
    with hold_pid_file(home):
        kill_started_processes(home)  # left over from a launcher that was itself killed
        check_ports()
        environment = process_environment(home)
        tokens.make_page_tokens()
        commands = read_procfile(environment)
        write_prometheus_config(home)
        supervisor = Supervisor(home, environment, commands)
        try:
            asyncio.run(supervisor.run())
        finally:
            for number in SIGNALS:  # a second Ctrl-C must not interrupt the clean-up
                signal.signal(number, signal.SIG_IGN)
            kill_started_processes(home)
    if supervisor.failure:
        raise CannotStartError(supervisor.failure)
    print_line("Wardrobe has stopped.")
    return 0


def stop(home: Path) -> int:
    """Stop a running launcher and everything a killed one left running. Returns the exit code."""
    launcher = running_launcher(home)
    if launcher:
        os.kill(launcher, signal.SIGTERM)
        deadline = time.monotonic() + 3 * STOP_TIMEOUT_SECONDS
        while running_launcher(home) == launcher:
            if time.monotonic() > deadline:
                os.kill(launcher, signal.SIGKILL)
            time.sleep(0.1)
    killed = kill_started_processes(home)
    stopped = launcher or killed
    print_line("Wardrobe has stopped." if stopped else f"Nothing is running on {home}.")
    return 0
