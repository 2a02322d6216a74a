"""A version in the champion's shadow: compared, counted, dropped, and never in anybody's way."""

import contextlib
import io
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests
import torch

from service.shadow import protocol
from tests.support.processes import Home, MakeHome, Server, wait_for
from training.data import fashion_mnist
from training.evaluation import predict
from training.store import tags, versions

NPY = {"Content-Type": "application/x-npy"}

PATIENCE = 120
"""Seconds. A shadow gets the time that nobody else wants, and tests share the machine."""


@dataclass
class House:
    """A classifier with two workers and a trainer, and two versions that disagree now and then."""

    home: Home
    classifier: Server
    trainer: Server
    champion: str
    other: str

    def order(self, **what: Any) -> requests.Response:
        return requests.put(f"{self.trainer.url}/shadow", json=what, timeout=30)

    def wait_for_both_workers(self) -> None:
        wait_for(lambda: self.trainer.get("/shadow")["workers"] == 2, PATIENCE, "both shadows")

    def pictures(self) -> dict[str, int]:
        """What came of the shadow's pictures until now, over all shadows, by result."""
        found = {"agreed": 0, "disagreed": 0, "dropped": 0}
        for line in requests.get(f"{self.classifier.url}/metrics", timeout=10).text.splitlines():
            if line.startswith("wardrobe_shadow_pictures_total{"):
                found[line.split('result="')[1].split('"')[0]] += int(float(line.split()[-1]))
        return found

    def settle(self) -> None:
        """Return when nothing is added to the counts of the shadow any more."""
        before, now = -1, 0
        while now != before:
            time.sleep(3)
            before, now = now, sum(self.pictures().values())

    def classify(self, images: torch.Tensor) -> list[str]:
        file = io.BytesIO()
        np.save(file, images.numpy())
        answer = self.classifier.post("/classify_many", data=file.getvalue(), headers=NPY)
        assert answer.status_code == 200, answer.text
        return [one["label"] for one in answer.json()]

    def children(self) -> list[psutil.Process]:
        """The processes of the shadow."""
        found = []
        for process in psutil.Process(self.classifier.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has just ended
                if "service.shadow.worker" in process.cmdline():
                    found.append(process)
        return found

    def copied(self, name: str) -> Path:
        """The other version once more, under another name: its folder."""
        folder = self.home.path / "models" / tags.MODEL_NAME
        version = self.other.partition(":")[2]
        shutil.copytree(folder / version, folder / name)
        description = folder / name / "model.yaml"
        description.write_text(description.read_text().replace(version, name))
        return folder / name


@pytest.fixture(scope="module")
def house(make_home: MakeHome, home: Home) -> Iterator[House]:
    own = make_home()
    own.take_models_of(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(own.path))
        champion = versions.list_versions()[-1].tag
        versions.set_champion(champion)
        trained = own.train("--recipe", "quick", "--epochs", "1", "--seed", "5", "--no-promote")
        assert trained.returncode == 0, trained.stderr
        other = versions.list_versions()[0].tag
    classifier = own.serve("classifier", CLASSIFIER_WORKERS="2")
    trainer = own.serve("trainer")
    wait_for(lambda: classifier.get("/model")["serving"] == {champion: 2}, what="two workers")
    yield House(own, classifier, trainer, champion, other)
    trainer.stop()
    classifier.stop()


@pytest.fixture(autouse=True)
def no_shadow_before(house: House) -> None:
    """Each test begins without one, and with its champion."""
    requests.delete(f"{house.trainer.url}/shadow", timeout=30)
    if house.classifier.get("/model")["tag"] != house.champion:
        house.trainer.post(f"/models/{house.champion.partition(':')[2]}/promote")
    wait_for(lambda: not house.children(), what="the last shadow's end")


@pytest.fixture
def images(test_set: fashion_mnist.Split) -> torch.Tensor:
    """So few that they fit into a socket: on a busy machine the shadow may not run for a while."""
    return test_set.images[:200]


def disagreements(house: House, images: torch.Tensor) -> int:
    """How often the two versions do not say the same, asked here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(house.home.path))
        one, other = (
            predict(versions.load(tag).network, images).argmax(1)
            for tag in (house.champion, house.other)
        )
    return int((one != other).sum())


def test_every_picture_is_compared_and_what_differs_becomes_a_question(
    house: House, images: torch.Tensor
) -> None:
    assert house.order(version=house.other.partition(":")[2]).json()["share"] == 1
    house.wait_for_both_workers()
    before = house.pictures()
    for some in images.split(60):
        house.classify(some)
    wait_for(
        lambda: sum(house.pictures().values()) - sum(before.values()) == len(images),
        PATIENCE,
        "all pictures compared",
    )
    after = house.pictures()
    apart = disagreements(house, images)
    assert apart > 5
    assert after["disagreed"] - before["disagreed"] == pytest.approx(apart, abs=2)
    assert after["dropped"] == before["dropped"]
    listed = house.trainer.get("/corrections?state=review_requested")
    assert 0 < listed["counts"]["review_requested"] <= 20
    question = listed["corrections"][0]
    assert question["label"] == question["predicted"]
    assert question["model"] == house.champion
    assert question["source"] == "shadow"
    sentence = f"Version {house.champion.partition(':')[2]} says {question['label']}, version "
    assert question["reason"].startswith(sentence + house.other.partition(":")[2] + " says ")


def test_a_share_of_the_pictures_is_compared(house: House, images: torch.Tensor) -> None:
    house.order(version=house.other, share=0.25)
    house.wait_for_both_workers()
    before = sum(house.pictures().values())
    for some in images.split(50):
        house.classify(some)
    wait_for(lambda: sum(house.pictures().values()) > before, PATIENCE, "pictures compared")
    house.settle()
    assert 20 < sum(house.pictures().values()) - before < 85  # 50 expected; deviation 6


def test_a_shadow_that_is_killed_comes_back_and_nobody_notices(
    house: House, images: torch.Tensor
) -> None:
    house.order(version=house.other)
    house.wait_for_both_workers()
    before = house.pictures()
    for child in house.children():
        child.kill()
    for some in images.split(60):
        assert len(house.classify(some)) == len(some)
        time.sleep(0.4)  # the first come before anybody has noticed, the last after that
    house.wait_for_both_workers()
    wait_for(lambda: len(house.children()) == 2, PATIENCE, "both processes")
    wait_for(
        lambda: sum(house.pictures().values()) - sum(before.values()) == len(images),
        PATIENCE,
        "every picture accounted for",
    )
    assert house.trainer.get("/shadow")["reason"] is None


def test_what_a_stopped_shadow_cannot_take_is_shed_and_counted(
    house: House, images: torch.Tensor
) -> None:
    house.order(version=house.other)
    house.wait_for_both_workers()
    before = house.pictures()
    for child in house.children():
        child.send_signal(signal.SIGSTOP)
    sent = 0
    while house.pictures()["dropped"] == before["dropped"]:
        for some in images.split(60):
            sent += len(house.classify(some))
        assert sent < 20_000
    for child in house.children():
        child.send_signal(signal.SIGCONT)
        # Else it may have to wait for minutes until no other test wants the cores.
        os.sched_setscheduler(child.pid, os.SCHED_OTHER, os.sched_param(0))
    wait_for(
        lambda: sum(house.pictures().values()) - sum(before.values()) == sent,
        PATIENCE,
        "every picture accounted for",
    )


def test_only_when_nothing_else_runs_does_a_shadow(house: House) -> None:
    house.order(version=house.other)
    house.wait_for_both_workers()
    assert {os.sched_getscheduler(child.pid) for child in house.children()} == {os.SCHED_IDLE}


def test_a_shadow_that_becomes_champion_ends_and_says_so(house: House) -> None:
    house.order(version=house.other)
    house.wait_for_both_workers()
    house.trainer.post(f"/models/{house.other.partition(':')[2]}/promote")
    wait_for(lambda: house.trainer.get("/shadow")["reason"] is not None, PATIENCE, "its end")
    assert house.trainer.get("/shadow") | {"since": ""} == {
        "version": house.other.partition(":")[2],
        "share": 1,
        "since": "",
        "workers": 0,
        "reason": "It is the champion now.",
    }
    wait_for(lambda: not house.children(), what="the processes' end")
    metrics = requests.get(f"{house.classifier.url}/metrics", timeout=10).text
    assert 'wardrobe_shadows_ended_total{reason="promoted"} 1.0' in metrics


def test_a_shadow_that_is_deleted_ends_and_says_so(house: House) -> None:
    folder = house.copied("deletedaaaaaaaaa")
    house.order(version="deletedaaaaaaaaa")
    house.wait_for_both_workers()
    shutil.rmtree(folder)
    wait_for(lambda: house.trainer.get("/shadow")["workers"] == 0, what="its end")
    assert house.trainer.get("/shadow")["reason"] == "It is no longer in the model store."


def test_a_shadow_that_does_not_load_ends_and_says_why(house: House) -> None:
    weights = house.copied("brokenaaaaaaaaaa") / "weights.pt"
    weights.write_bytes(weights.read_bytes()[:-1_000])
    house.order(version="brokenaaaaaaaaaa")
    wait_for(lambda: house.trainer.get("/shadow")["reason"] is not None, PATIENCE, "its end")
    assert "cannot be loaded: its weights are damaged" in house.trainer.get("/shadow")["reason"]
    shutil.rmtree(weights.parent)


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"version": "nosuchversion"}, 404, "There is no version"),
        ({"version": "../champion"}, 404, "is not a version"),
        ({}, 400, "'version' is missing"),
        ({"version": "a", "share": 0}, 400, "'share' is a number above 0"),
        ({"version": "a", "share": 1.5}, 400, "'share' is a number above 0"),
        ({"version": "a", "share": True}, 400, "'share' is a number above 0"),
        ({"version": "a", "colour": "red"}, 400, "There is no setting 'colour'"),
    ],
)
def test_what_cannot_be_is_refused(
    house: House, asked: dict[str, Any], status: int, says: str
) -> None:
    answer = house.order(**asked)
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert house.trainer.get("/shadow")["version"] is None


def test_the_champion_has_no_shadow_of_its_own(house: House) -> None:
    answer = house.order(version=house.champion)
    assert answer.status_code == 409
    assert "is the champion" in answer.json()["error"]


def test_packets_come_through_as_they_were(images: torch.Tensor) -> None:
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with sender, receiver:
        answers = np.arange(64) % 10
        sender.send(protocol.pack(images[:64].numpy(), "fashion_mnist_model:one", answers))
        packet = protocol.unpack(receiver.recv(1 << 18))
    assert packet.tag == "fashion_mnist_model:one"
    assert (packet.answers == answers).all()
    assert (packet.images == images[:64].numpy()).all()
