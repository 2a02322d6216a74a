"""The two commands, from top to bottom: start everything, stop everything."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

from launcher.console import print_line
from launcher.counters import counters_folder, remove_counters
from launcher.errors import CannotStartError
from launcher.exposure import check_exposure
from launcher.pid_file import hold_pid_file, running_launcher
from launcher.ports import check_ports
from launcher.processes import STOP_TIMEOUT_SECONDS, kill_started_processes
from launcher.procfile import process_environment, read_procfile
from launcher.prometheus_config import write_prometheus_config
from launcher.state_folder import check_state_folder, writing
from service.access import tokens

LAUNCHER_TIMEOUT_SECONDS = STOP_TIMEOUT_SECONDS + 2


def start(home: Path) -> int:
    """Run everything until a signal ends it. Returns the exit code.

    Raises CannotStartError when something is missing or does not come up, and ValueError when a
    setting has no valid value.
    """
    # `stop` does without these imports: on an overloaded machine they take many seconds.
    from launcher.supervisor import SIGNALS, Supervisor

    check_state_folder(home)
    with hold_pid_file(home):
        kill_started_processes(home)  # left over from a launcher that was itself killed
        check_exposure()
        check_ports()
        environment = process_environment(home)
        commands = read_procfile(environment)
        with writing(home):
            tokens.make_page_tokens()
            write_prometheus_config(home)
        with counters_folder(home) as counters:
            supervisor = Supervisor(home, counters, environment, commands)
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
    """Stop a running launcher and everything a killed one left running. Returns the exit code.

    A launcher that has not ended in time is killed, and so is everything that it started: it may
    be stopped itself, or get no processor time beside what it started.
    """
    launcher = running_launcher(home)
    if launcher:
        with contextlib.suppress(ProcessLookupError):
            os.kill(launcher, signal.SIGTERM)
        deadline = time.monotonic() + LAUNCHER_TIMEOUT_SECONDS
        while running_launcher(home) == launcher and time.monotonic() < deadline:
            time.sleep(0.1)
        if running_launcher(home) == launcher:
            with contextlib.suppress(ProcessLookupError):
                os.kill(launcher, signal.SIGKILL)
    killed = kill_started_processes(home)
    remove_counters(home)
    stopped = launcher or killed
    print_line("Wardrobe has stopped." if stopped else f"Nothing is running on {home}.")
    return 0
