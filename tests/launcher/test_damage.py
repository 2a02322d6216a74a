"""The launcher on a damaged state folder, and with processes that do not react."""

import signal
import time

import psutil
import pytest

from tests.support.launched import PORTS, Wardrobe, wait_for


def test_stop_ends_what_does_not_react_to_signals(wardrobe: Wardrobe) -> None:
    process = wardrobe.start_and_wait()
    for each in (*wardrobe.alive(), psutil.Process(process.pid)):
        each.suspend()
    began = time.monotonic()

    stop = wardrobe.run("stop")

    assert (stop.returncode, stop.stdout) == (0, "Wardrobe has stopped.\n")
    assert time.monotonic() - began < 10
    assert wardrobe.alive() == []
    assert process.wait(timeout=1) == -signal.SIGKILL


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\xff\xfe", b"soon"])
def test_stop_finds_a_launcher_whose_pid_file_is_damaged(
    wardrobe: Wardrobe, content: bytes
) -> None:
    process = wardrobe.start_and_wait()
    (wardrobe.home / "launcher.pid").write_bytes(content)

    assert wardrobe.run("stop").stdout == "Wardrobe has stopped.\n"

    assert process.wait(timeout=1) == 0
    assert wardrobe.alive() == []


def test_damaged_items_of_the_state_folder_are_renamed_and_said(wardrobe: Wardrobe) -> None:
    wardrobe.home.mkdir(parents=True)
    for name in ("launcher.pid", "prometheus.yml"):
        (wardrobe.home / name).mkdir()
    for name in ("bentoml", "prometheus", "runs"):
        (wardrobe.home / name).write_bytes(b"\0" * 100)

    wardrobe.start_and_wait()

    for name in ("launcher.pid", "prometheus.yml", "bentoml", "prometheus", "runs"):
        assert f"{name} was damaged: it is " in wardrobe.output
        assert len(list(wardrobe.home.glob(f"{name}.damaged-*.txt"))) == 1
    assert wardrobe.open_ports() == list(PORTS)


def test_a_damaged_database_of_prometheus_is_renamed(wardrobe: Wardrobe) -> None:
    wardrobe.home.mkdir(parents=True)
    (wardrobe.home / "prometheus").mkdir()
    (wardrobe.home / "prometheus" / "wal").write_bytes(b"no folder")

    wardrobe.start_and_wait()

    wait_for(lambda: wardrobe.open_ports() == list(PORTS), wardrobe)
    assert "prometheus was damaged: Prometheus does not start with it" in wardrobe.output
    [moved] = wardrobe.home.glob("prometheus.damaged-*[0-9]")
    assert (moved / "wal").read_bytes() == b"no folder"


def test_a_state_folder_that_cannot_be_written_is_named(wardrobe: Wardrobe) -> None:
    wardrobe.home.parent.mkdir()
    wardrobe.home.write_text("a file")

    refused = wardrobe.run()

    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"The state folder {wardrobe.home} cannot be written" in refused.stderr
    assert refused.stderr.count("\n") == 1
