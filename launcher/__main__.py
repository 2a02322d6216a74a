"""Command line of the launcher: `python -m launcher [start|stop]`."""

import argparse
import sys

import settings
from launcher import CannotStartError
from launcher.commands import start, stop


def main() -> int:
    """Run one command. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="launcher", description="Start or stop Wardrobe.")
    parser.add_argument("command", nargs="?", choices=("start", "stop"), default="start")
    command = parser.parse_args().command
    home = settings.home()
    try:
        return stop(home) if command == "stop" else start(home)
    except (CannotStartError, ValueError) as reason:
        print(reason, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
