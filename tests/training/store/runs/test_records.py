"""Records of runs, and the processes behind them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import wait_for
from training.store import runs


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))


def test_one_run_at_a_time() -> None:
    run, lock = runs.create({"recipe": "quick"})
    with pytest.raises(runs.BusyError) as refused:
        runs.create({})
    assert refused.value.run_id == run.run_id
    os.close(lock)
    other, lock = runs.create({})
    os.close(lock)
    assert [it.run_id for it in runs.read_all()] == [other.run_id, run.run_id]


def test_a_run_is_alive_exactly_as_long_as_the_process_that_holds_its_lock() -> None:
    run, lock = runs.create({})
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1, pass_fds=(lock,))
    os.close(lock)
    assert runs.is_alive(run.run_id)
    process.kill()
    process.wait()
    wait_for(lambda: not runs.is_alive(run.run_id), 2)


def test_a_recorded_end_is_not_overwritten() -> None:
    run, lock = runs.create({})
    os.close(lock)
    runs.end(run.run_id, "succeeded", None)
    ended = runs.end(run.run_id, "interrupted", "too late")
    assert ended is not None
    assert (ended.state, ended.error) == ("succeeded", None)


def test_events_are_numbered_and_a_line_that_is_being_written_is_left_for_later() -> None:
    run, lock = runs.create({})
    os.close(lock)
    log = runs.EventLog(run.run_id)
    for step in (1, 2, 3):
        log.append({"type": "step", "step": step})
        assert len(runs.events(run.run_id)) == step  # at once
    with (runs.folder(run.run_id) / "events.jsonl").open("a") as lines:
        lines.write('{"type": "st')
    assert [(it["n"], it["step"]) for it in runs.events(run.run_id, after=1)] == [(2, 2), (3, 3)]


@pytest.mark.parametrize("name", ["../champion", "no-such-run", ".lock", ""])
def test_names_that_are_no_runs(name: str) -> None:
    assert runs.read(name) is None


def test_runs_that_have_ended_are_read_again_only_if_their_records_change() -> None:
    ended, lock = runs.create({})
    os.close(lock)
    runs.end(ended.run_id, "cancelled", None)
    active, lock = runs.create({})
    for _ in range(2):
        assert [run.run_id for run in runs.unsettled()] == [active.run_id]
    (runs.folder(ended.run_id) / "run.json").write_text("{")
    assert [run.run_id for run in runs.unsettled()] == [active.run_id, ended.run_id]
    os.close(lock)


def test_the_newest_runs_are_enough_for_a_page() -> None:
    made = []
    for _ in range(3):
        run, lock = runs.create({})
        os.close(lock)
        runs.end(run.run_id, "cancelled", None)
        made.append(run.run_id)
    assert [run.run_id for run in runs.read_all(2)] == [made[2], made[1]]
