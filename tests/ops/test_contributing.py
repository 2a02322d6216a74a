"""CONTRIBUTING.md: its commands work, and the files that it names exist.

A block marked `bash run` is run as it stands. The other blocks hold commands that set up, run or
test everything: of those, make must know the targets, and the programs must be installed.
"""

import os
import re
import shutil
import subprocess

import pytest

from tests.support.processes import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
RUN = re.findall(r"^```bash run\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
OTHER = re.findall(r"^```bash\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("commands", RUN, ids=lambda commands: commands.split("\n")[0][:60])
def test_a_runnable_block_succeeds(commands: str) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_other_command_is_known() -> None:
    commands = [line.partition(" #")[0] for block in OTHER for line in block.splitlines()]
    assert commands
    for command in commands:
        program, argument = command.split()
        if program == "make":
            planned = ["make", "--dry-run", argument]
            subprocess.run(planned, cwd=ROOT, env=os.environ, capture_output=True, check=True)
        elif program == ".":
            assert argument == ".venv/bin/activate"
        else:
            assert shutil.which(program), program
            help_text = subprocess.run([program, "--help"], capture_output=True, text=True).stdout
            assert argument in help_text


def test_every_make_target_in_the_text_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z-]+)`", TEXT)) <= targets


def test_every_named_file_exists() -> None:
    named = set(
        re.findall(r"`((?:app|docs|launcher|monitoring|service|tests|training)/[\w./]*)`", TEXT)
    )

    assert len(named) > 20
    assert not [path for path in named if not (ROOT / path).exists()]
