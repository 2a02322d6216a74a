"""Reads the commands of the Procfile, and the environment they run in."""

import os
import shlex
import shutil
import string
import sys
from pathlib import Path

import settings
from launcher.errors import CannotStartError

PAGE_SECRETS = {"OIDC_CLIENT_SECRET", "VIEWER_PASSWORD", "TEACHER_PASSWORD", "OPERATOR_PASSWORD"}
ROOT = Path(__file__).resolve().parents[1]


def process_environment(home: Path) -> dict[str, str]:
    """Environment of every process: this program's, with every setting filled in."""
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


def environment_of(name: str, environment: dict[str, str]) -> dict[str, str]:
    """Environment of one process: only the page gets what its log-in keeps secret."""
    if name == "app":
        return environment
    return {key: value for key, value in environment.items() if key not in PAGE_SECRETS}


def read_procfile(environment: dict[str, str]) -> dict[str, list[str]]:
    """Command of each process by its name, with settings filled in.

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
