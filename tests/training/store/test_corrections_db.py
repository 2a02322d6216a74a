"""The database of corrections with several processes, and when damaged."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.corrections_store import kept, picture
from tests.support.processes import ROOT
from training.store import corrections

pytestmark = pytest.mark.usefixtures("empty_home")


ADD_MANY = """
import sys, numpy
from training.store import corrections
for number in range(int(sys.argv[1]), int(sys.argv[2])):
    pixels = numpy.random.default_rng(number).integers(0, 256, (28, 28), numpy.uint8)
    print(number, corrections.add(pixels, corrections.LabelSubmission("Bag"))[0].id, flush=True)
"""


def adding(first: int, end: int) -> subprocess.Popen[str]:
    """A process that keeps pictures, and prints the number of each, with its id, once kept."""
    command = [sys.executable, "-c", ADD_MANY, str(first), str(end)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True)


def test_processes_that_begin_at_once_on_no_store_lose_nothing() -> None:
    processes = [adding(start, start + 20) for start in range(0, 120, 20)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 6
    assert sum(len(output.splitlines()) for output in outputs) == 120
    assert corrections.counts()["new"] == 120


def test_what_was_acknowledged_survives_being_killed() -> None:
    acknowledged: dict[int, int] = {}
    for start in range(0, 5_000, 1_000):
        process = adding(start, start + 1_000)
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(7 + start // 300)]
        process.send_signal(signal.SIGKILL)
        process.wait()
        said += [line for line in process.stdout if line.endswith("\n")]
        acknowledged |= {int(n): int(i) for n, i in (line.split() for line in said)}
        process.stdout.close()
    found = {it.id: it for it in corrections.page(limit=10_000)}
    for number, correction_id in acknowledged.items():
        assert found[correction_id].label == "Bag"
        assert (found[correction_id].pixels == picture(number)).all()
    assert len(acknowledged) >= 5 * 7


def test_a_file_that_is_no_store_is_renamed_and_a_new_one_is_used(empty_home: Path) -> None:
    empty_home.mkdir()
    (empty_home / "corrections.db").write_bytes(b"my shopping list" * 100)
    assert kept(1).id == 1
    [moved] = empty_home.glob("corrections.db.damaged-*[0-9]")
    assert moved.read_bytes() == b"my shopping list" * 100
    assert "not a database" in moved.with_name(f"{moved.name}.txt").read_text()
