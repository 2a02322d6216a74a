"""The launcher with real processes: what it prints, what it survives, what it leaves behind."""

import json
import re
import signal
import socket
import subprocess
import time

import pytest
import requests

from tests.support.launched import NAMES, PORTS, Wardrobe, wait_for


def training(state: str, created_at: str = "2999-01-01", error: str | None = None) -> str:
    """What the trainer tells of one run, as JSON."""
    run = {
        "state": state,
        "created_at": f"{created_at}T12:00:00.000+00:00",
        "error": error,
        "progress": 0.43,
        "phase": "training",
    }
    return json.dumps([run])


def test_it_prints_the_address_once_and_every_line_under_its_process(running: Wardrobe) -> None:
    assert running.output.count(running.url) == 1
    assert requests.get(running.url, timeout=5).ok
    for name in ("classifier", "trainer", "app"):
        for stream in ("stdout", "stderr"):
            assert re.search(rf"^{name} +\| a line on {stream}$", running.output, re.MULTILINE)


def test_it_tells_of_the_first_training_and_that_it_failed(wardrobe: Wardrobe) -> None:
    wardrobe.set_processes(training("failed", error="The disk is full."))
    wardrobe.start_and_wait()

    assert "The disk is full." in wardrobe.output


def test_it_waits_while_the_first_training_runs(wardrobe: Wardrobe) -> None:
    wardrobe.set_processes(training("running"))
    wardrobe.start()

    wait_for(lambda: "training, 40 % done" in wardrobe.output, wardrobe)
    time.sleep(1.5)
    assert wardrobe.output.count("40 % done") == 1
    assert wardrobe.url not in wardrobe.output


def test_how_an_earlier_training_ended_is_no_news(wardrobe: Wardrobe) -> None:
    wardrobe.set_processes(training("failed", created_at="2020-01-01", error="The disk is full."))
    wardrobe.start()

    wait_for(lambda: wardrobe.open_ports() == list(PORTS), wardrobe)
    time.sleep(1.5)
    assert "The disk is full." not in wardrobe.output
    assert wardrobe.url not in wardrobe.output


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_stops_everything_within_five_seconds(wardrobe: Wardrobe, name: str) -> None:
    process = wardrobe.start_and_wait()
    assert wardrobe.open_ports() == list(PORTS)

    process.send_signal(signal.Signals[name])

    assert process.wait(timeout=5) == 0
    assert wardrobe.alive() == []
    assert wardrobe.open_ports() == []
    assert not list(wardrobe.home.glob("*.pid"))


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_process_comes_back(running: Wardrobe, name: str) -> None:
    killed = running.started(name)

    killed[0].kill()

    wait_for(lambda: running.started(name) not in ([], killed), running)
    wait_for(lambda: running.open_ports() == list(PORTS), running)
    assert f"{name} has died" in running.output


def test_a_training_run_outlives_a_killed_trainer(running: Wardrobe) -> None:
    run = next(it for it in running.alive("trainer") if it.name() == "sleep")
    killed = running.started("trainer")

    killed[0].kill()

    wait_for(lambda: running.started("trainer") not in ([], killed), running)
    wait_for(lambda: running.open_ports() == list(PORTS), running)
    assert run.is_running()


def test_stop_ends_it_from_another_terminal(wardrobe: Wardrobe) -> None:
    process = wardrobe.start_and_wait()

    stop = wardrobe.run("stop")

    assert (stop.returncode, stop.stdout) == (0, "Wardrobe has stopped.\n")
    assert process.wait(timeout=1) == 0
    assert wardrobe.alive() == []


def test_stop_cleans_up_after_a_killed_launcher(wardrobe: Wardrobe) -> None:
    process = wardrobe.start_and_wait()
    process.kill()
    process.wait()
    assert wardrobe.open_ports() == list(PORTS)

    assert wardrobe.run("stop").returncode == 0

    assert wardrobe.alive() == []
    assert wardrobe.open_ports() == []


def test_stop_spares_a_process_that_got_the_launchers_old_number(wardrobe: Wardrobe) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    wardrobe.home.mkdir(parents=True)
    (wardrobe.home / "launcher.pid").write_text(f"{stranger.pid}\n")

    stop = wardrobe.run("stop")

    assert stop.returncode == 0
    assert "Nothing is running" in stop.stdout
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_it_starts_over_what_a_killed_launcher_left(wardrobe: Wardrobe) -> None:
    process = wardrobe.start_and_wait()
    process.kill()
    process.wait()

    wardrobe.start_and_wait()

    assert wardrobe.open_ports() == list(PORTS)


def test_a_second_one_is_refused(running: Wardrobe) -> None:
    ports, running.ports = running.ports, {**running.ports, "APP_PORT": 8599}
    second = running.run()
    running.ports = ports

    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "make stop" in second.stderr
    assert running.url in second.stderr
    assert running.open_ports() == list(PORTS)


@pytest.mark.parametrize("name", PORTS)
def test_a_taken_port_is_named(wardrobe: Wardrobe, name: str) -> None:
    with socket.create_server(("127.0.0.1", wardrobe.ports[name])):
        refused = wardrobe.run()

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.count("\n") == 1
    assert str(wardrobe.ports[name]) in refused.stderr
    assert f"{name}=" in refused.stderr
    assert wardrobe.alive() == []


@pytest.mark.parametrize(
    ("value", "words"),
    [("many", "whole number"), ("70000", "70000"), ("{CLASSIFIER_PORT}", "are both")],
)
def test_a_port_that_cannot_be_one_is_refused(
    wardrobe: Wardrobe, monkeypatch: pytest.MonkeyPatch, value: str, words: str
) -> None:
    del wardrobe.ports["APP_PORT"]
    monkeypatch.setenv("APP_PORT", value.format(**wardrobe.ports))

    refused = wardrobe.run()

    assert (refused.returncode, refused.stdout) == (1, "")
    assert words in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_process_that_never_comes_up_is_given_up(wardrobe: Wardrobe) -> None:
    wardrobe.set_processes(trainer="python -c 'raise SystemExit(\"No more disk.\")'")
    process = wardrobe.start()

    assert process.wait(timeout=15) == 1
    assert re.search(r"^trainer +\| No more disk\.$", wardrobe.output, re.MULTILINE)
    assert wardrobe.output.splitlines()[-1].startswith("trainer does not start")
    assert wardrobe.alive() == []


def test_a_missing_program_is_named(wardrobe: Wardrobe) -> None:
    wardrobe.set_processes(trainer="no-such-program")

    refused = wardrobe.run()

    assert refused.returncode == 1
    assert refused.stderr.startswith("no-such-program is not installed")
