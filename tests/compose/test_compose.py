"""docker-compose.yml on a real engine. The tests are one story and run in this order.

Times and sizes are printed, not asserted: they depend on the machine.
"""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page

from tests.e2e import test_the_whole_way as visit
from tests.support.compose_stack import (
    HEALTH,
    SERVICES,
    Load,
    Stack,
    answers,
    docker,
    kill_main_process,
    two_ports_in_a_row,
)
from tests.support.processes import ROOT, wait_for
from training.data.fashion_mnist import FILES

pytestmark = pytest.mark.timeout(3600)

Say = Callable[[str], None]

SNEAKER = (ROOT / "docs" / "sneaker.png").read_bytes()

LARGEST = {"wardrobe-app": 700, "wardrobe-service": 1_900}
"""10^6 bytes, with the base image, whatever that has."""


def test_up_from_nothing(stack: Stack, say: Say) -> None:
    began = time.monotonic()
    stack.compose("build", "--no-cache")
    built = time.monotonic() - began
    started = stack.up("--build")
    say(f"build {built:.0f} s, start with data set and first model {started:.0f} s")
    assert stack.health() == dict.fromkeys(SERVICES, "healthy")
    url = f"{stack.at('classifier')}/classify"
    answer = requests.post(url, files={"image": SNEAKER}, timeout=10, auth=stack.operator).json()
    assert answer["label"] == "Sneaker"


def test_the_visit_of_make_run(
    stack: Stack, page: Page, picture_of: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    visit.test_the_whole_way(stack, page, picture_of, capsys)


@pytest.mark.parametrize("image", LARGEST)
def test_an_image_is_small(image: str, say: Say) -> None:
    size, base = (
        int(docker("image", "inspect", "--format", "{{.Size}}", name)) / 1e6
        for name in (image, "python:3.11-slim")
    )
    say(f"{image}: {size:.0f} MB, {size - base:.0f} MB of it beyond python:3.11-slim")
    assert size <= LARGEST[image]


def test_the_pages_image_cannot_import_torch(stack: Stack) -> None:
    found = "import importlib.util; print(importlib.util.find_spec('torch'))"
    assert stack.compose("exec", "-T", "app", "python", "-c", found) == "None"


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_no_more_rights_than_it_needs(stack: Stack, name: str) -> None:
    status = stack.compose("exec", "-T", name, "sh", "-c", "cat /proc/1/status; id -u")
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert status.splitlines()[-1] != "0"
    assert int(lines["CapEff"], 16) == int(lines["CapBnd"], 16) == 0
    assert lines["NoNewPrivs"] == "1"
    for path in ("/x", "/usr/x", "/srv/x", "/etc/x"):
        refused = stack.compose("exec", "-T", "--user", "0", name, "touch", path, check=False)
        assert refused == ""
        assert stack.compose("exec", "-T", name, "ls", path, check=False) == ""


@pytest.mark.parametrize("name", SERVICES)
def test_its_logs_are_bounded(stack: Stack, name: str) -> None:
    kept = stack.inspect(name)["HostConfig"]["LogConfig"]
    assert kept == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


def test_what_no_longer_answers_is_unhealthy_though_it_lives(stack: Stack, say: Say) -> None:
    assert stack.health()["app"] == "healthy"
    began = time.monotonic()
    stack.compose("exec", "-T", "app", "python", "-c", f"{_SIGNAL_THE_PAGE}, signal.SIGSTOP)")
    wait_for(lambda: stack.health()["app"] == "unhealthy", 60, "ps telling of it")
    say(f"the page halted: compose ps says unhealthy after {time.monotonic() - began:.0f} s")
    stack.compose("exec", "-T", "app", "python", "-c", f"{_SIGNAL_THE_PAGE}, signal.SIGCONT)")
    wait_for(lambda: set(stack.health().values()) == {"healthy"}, 60, "all healthy again")


# The page's process is the one child of the first, which is the engine's own.
_SIGNAL_THE_PAGE = (
    "import os, signal, pathlib;"
    "os.kill(int(pathlib.Path('/proc/1/task/1/children').read_text().split()[0])"
)


def test_the_data_set_is_fetched_once(stack: Stack) -> None:
    def files() -> str:
        folder = "/data/data/FashionMNIST/raw"
        return stack.compose("exec", "-T", "trainer", "stat", "-c", "%i %Y %n", folder, *(
            f"{folder}/{name}" for name in FILES
        ))  # fmt: skip

    before = files()
    assert stack.run_to_the_end(recipe="quick", epochs=1)["state"] == "succeeded"
    assert files() == before


def test_a_change_of_one_line_rebuilds_from_there(stack: Stack, say: Say) -> None:
    for service, path in (("app", "app/streamlit_app.py"), ("classifier", "service/classifier.py")):
        before = docker("image", "inspect", "--format", "{{.Id}}", f"wardrobe-{_image(service)}")
        source = stack.folder / path
        text = source.read_text()
        source.write_text(f"{text}\n# One line more.\n")
        began = time.monotonic()
        stack.compose("build", service)
        say(f"rebuilt after one line in {path}: {time.monotonic() - began:.1f} s")
        after = docker("image", "inspect", "--format", "{{.Id}}", f"wardrobe-{_image(service)}")
        assert after != before
        source.write_text(text)
    stack.compose("build")


def _image(service: str) -> str:
    return "app" if service == "app" else "service"


@pytest.mark.parametrize("name", ["prometheus", "app", "trainer", "classifier"])
def test_what_is_killed_comes_back_and_keeps_everything(stack: Stack, name: str, say: Say) -> None:
    kept = stack.kept()
    moment = time.time()
    recorded = f'count_over_time(up{{job="classifier"}}[1h] @ {moment:.0f})'
    newest = 'timestamp(up{job="classifier"})'
    wait_for(lambda: stack.ask(recorded), 20, "a scrape")
    counted = float(stack.ask(recorded)[0]["value"][1])
    before = stack.inspect(name)
    address = stack.at(name) + HEALTH[name]
    with Load(stack.at("classifier"), SNEAKER, stack.operator) as load:
        time.sleep(1)
        killed = time.monotonic()
        kill_main_process(before)
        wait_for(
            lambda: stack.inspect(name)["RestartCount"] > before["RestartCount"], 30, "a restart"
        )
        wait_for(lambda: answers(address), 30, f"{name} back")
        back, back_at = time.monotonic(), time.time()
        time.sleep(3)
    moments = [moment for moment, _ in load.failed]
    say(
        f"kill -9 {name}: back after {back - killed:.1f} s; "
        f"{load.answered} requests answered, {len(moments)} failed"
    )
    if name == "classifier":
        assert all(killed - 1 < moment < back + 1 for moment in moments), load.failed
    else:
        assert not load.failed
    assert stack.kept() == kept
    # Their names are those of the last start's workers, where a container begins anew.
    wait_for(lambda: len(stack.get("classifier", "/model")["workers"]) == 2, 30, "both workers")
    assert float(stack.ask(recorded)[0]["value"][1]) == counted
    wait_for(
        lambda: any(float(it["value"][1]) > back_at for it in stack.ask(newest)), 30, "a new scrape"
    )


def test_two_classifiers_follow_one_promotion_and_one_leaves_quietly(
    stack: Stack, say: Say
) -> None:
    assert stack.run_to_the_end(recipe="quick", epochs=1)["state"] == "succeeded"
    single = stack.ports["CLASSIFIER_PORT"]
    stack.ports["CLASSIFIER_PORT"] = two_ports_in_a_row()
    stack.up("--scale", "classifier=2")
    addresses = [stack.at("classifier", number) for number in (1, 2)]
    wait_for(lambda: len(stack.get("classifier", "/model")["workers"]) == 4, 30, "four workers")
    wait_for(lambda: len(stack.ask('up{job="classifier"} == 1')) == 2, 30, "both being scraped")

    models = stack.get("trainer", "/models")
    other = next(it for it in models["models"] if not it["champion"])
    promoted = requests.post(
        f"{stack.at('trainer')}/models/{other['version']}/promote", timeout=60, auth=stack.operator
    ).json()
    assert promoted["workers"] == 4
    for address in addresses:
        answer = requests.post(
            f"{address}/classify", files={"image": SNEAKER}, timeout=10, auth=stack.operator
        )
        assert answer.json()["model"] == other["tag"]
    say(f"two classifiers, 4 workers: promoted in {promoted['seconds']} s")

    # By the name that the page uses, through its own client, from its own container.
    client = subprocess.Popen(
        ["docker", "exec", "-i", "-e", "PYTHONPATH=.", stack.container("app"), "python", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None
    client.stdin.write(f"PICTURE = bytes.fromhex('{SNEAKER.hex()}')\n{_ASK_BY_NAME}")
    client.stdin.close()
    time.sleep(5)
    docker("stop", stack.container("classifier", 2))
    assert client.stdout is not None
    outcome = json.loads(client.stdout.read())
    client.wait()
    say(f"docker stop of one under load: {outcome}")
    assert outcome["failed"] == []
    assert outcome["answered"] > 0
    wait_for(lambda: len(stack.ask('up{job="classifier"} == 1')) == 1, 30, "one being scraped")

    # Which of the two compose would leave is not said.
    stack.compose("rm", "--stop", "--force", "classifier")
    stack.ports["CLASSIFIER_PORT"] = single
    stack.up()


_ASK_BY_NAME = """
import json, threading, time
from app.clients.http import Connection, ServiceError

classifier = Connection("The classifier", "http://classifier:3000")
answered, failed = [], []
end = time.monotonic() + 15

def ask():
    while time.monotonic() < end:
        try:
            classifier.post("/classify", data=PICTURE, headers={"Content-Type": "image/png"})
            answered.append(1)
        except ServiceError as error:
            failed.append(str(error))

threads = [threading.Thread(target=ask) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps({"answered": len(answered), "failed": failed}))
"""


def test_training_beyond_the_memory_limit_fails_alone(
    stack: Stack, say: Say, tmp_path: Path
) -> None:
    override = tmp_path / "little-memory.yml"
    limits = "deploy: {resources: {limits: {memory: 500M}}}"
    override.write_text(f"services: {{trainer: {{memswap_limit: 500M, {limits}}}}}\n")
    stack.files.append(str(override))
    stack.up("trainer")
    restarts = stack.inspect("trainer")["RestartCount"]
    with Load(stack.at("classifier"), SNEAKER, stack.operator) as load:
        run = stack.run_to_the_end(recipe="standard", epochs=1)
    say(f"memory limit: {run['state']}, {run['error']!r}; {len(load.failed)} requests failed")
    assert run["state"] == "failed"
    assert "out of memory" in run["error"]
    assert load.failed == []
    assert stack.inspect("trainer")["RestartCount"] == restarts
    stack.files.pop()
    stack.up("trainer")


def test_down_and_up_changes_nothing(stack: Stack, say: Say) -> None:
    requests.post(
        f"{stack.at('trainer')}/corrections",
        files={"image": SNEAKER},
        data={"label": "Sneaker", "predicted": "Bag"},
        auth=stack.operator,
        timeout=10,
    ).raise_for_status()
    kept, began = stack.kept(), time.time()
    stack.compose("down")
    say(f"up again: {stack.up():.0f} s")
    assert stack.kept() == kept
    earlier = f'max_over_time(timestamp(up{{job="classifier"}})[1h:2s] offset {30}s)'
    assert stack.ask(earlier), f"Prometheus has kept nothing of before {began}."


def test_without_a_network_the_trainer_says_what_to_do_and_it_helps(
    dataset_folder: Path, say: Say
) -> None:
    container = docker(
        "run", "--detach", "--network", "none", "--read-only", "--tmpfs", "/tmp",
        "--volume", "/data", "--env", "TRAIN_FIRST_MODEL=1",
        "--env", "TRAIN_STANDARD_AFTER=0", "wardrobe-service",
        "bentoml", "serve", "service.trainer:Trainer", "--port", "3002",
    )  # fmt: skip
    query = (
        "import json, urllib.request as r;"
        "print(json.dumps(json.load(r.urlopen('http://127.0.0.1:3002/runs'))['runs'][:1]))"
    )

    def newest() -> dict[str, str]:
        found = docker("exec", container, "python", "-c", query, check=False)
        return dict(*json.loads(found or "[]")) if found not in ("", "[]") else {"state": "none"}

    try:
        wait_for(lambda: newest()["state"] == "failed", 120, "the refusal")
        error = newest()["error"]
        say(f"no network: {error}")
        assert all(word in error for word in ("could not be fetched", "/data/data", *FILES))
        for name in FILES:
            file = dataset_folder / "FashionMNIST" / "raw" / name
            docker("cp", str(file), f"{container}:/data/data/FashionMNIST/raw/{name}")
        docker("restart", container)
        wait_for(lambda: newest()["state"] == "succeeded", 180, "the first model")
    finally:
        docker("rm", "--force", "--volumes", container)


def test_down_with_volumes_leaves_nothing(stack: Stack) -> None:
    assert stack.leftovers()
    stack.compose("down", "--volumes")
    assert stack.leftovers() == []
