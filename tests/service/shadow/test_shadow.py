"""Shadow tests: pictures are compared, counted or dropped, and no request waits for them."""

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
from tests.support.services.stored_versions import drop_checksums
from training.data import fashion_mnist
from training.evaluation import predict
from training.store import tags, versions

NPY = {"Content-Type": "application/x-npy"}

PATIENCE = 120
"""Seconds. A shadow runs only on an idle processor, and tests share the machine."""


@dataclass
class Deployment:
    """A classifier with two workers, a trainer, and two versions that sometimes disagree."""

    home: Home
    classifier: Server
    trainer: Server
    champion: str
    other: str

    def start_shadow(self, **settings: Any) -> requests.Response:
        return self.trainer.call("PUT", "/shadow", json=settings)

    def wait_for_both_workers(self) -> None:
        wait_for(lambda: self.trainer.get("/shadow")["workers"] == 2, PATIENCE, "both shadows")

    def pictures(self) -> dict[str, int]:
        """Return how many pictures there were so far, by result, over all shadow versions."""
        found = {"agreed": 0, "disagreed": 0, "dropped": 0}
        for line in requests.get(f"{self.classifier.url}/metrics", timeout=10).text.splitlines():
            if line.startswith("wardrobe_shadow_pictures_total{"):
                found[line.split('result="')[1].split('"')[0]] += int(float(line.split()[-1]))
        return found

    def wait_until_idle(self) -> None:
        """Wait until the counts no longer change."""
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

    def shadow_processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.Process(self.classifier.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # the process has just ended
                if "service.shadow.worker" in process.cmdline():
                    found.append(process)
        return found

    def copy_other(self, name: str) -> Path:
        """Store a copy of the other version under `name`, and return its folder."""
        folder = self.home.path / "models" / tags.MODEL_NAME
        version = self.other.partition(":")[2]
        shutil.copytree(folder / version, folder / name)
        description = folder / name / "model.yaml"
        description.write_text(description.read_text().replace(version, name))
        return folder / name


@pytest.fixture(scope="module")
def deployment(make_home: MakeHome, home: Home) -> Iterator[Deployment]:
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
    yield Deployment(own, classifier, trainer, champion, other)
    trainer.stop()
    classifier.stop()


@pytest.fixture(autouse=True)
def no_shadow_before(deployment: Deployment) -> None:
    """Start each test without a shadow version and with the same champion."""
    deployment.trainer.call("DELETE", "/shadow")
    if deployment.classifier.get("/model")["tag"] != deployment.champion:
        deployment.trainer.post(f"/models/{deployment.champion.partition(':')[2]}/promote")
    wait_for(lambda: not deployment.shadow_processes(), what="the end of the last shadow test")


@pytest.fixture
def images(test_set: fashion_mnist.Split) -> torch.Tensor:
    """Pictures that fit into a socket: on a busy machine the shadow may not run for a while."""
    return test_set.images[:200]


def disagreements(deployment: Deployment, images: torch.Tensor) -> int:
    """Count the pictures on which the two versions disagree."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(deployment.home.path))
        one, other = (
            predict(versions.load(tag).network, images).argmax(1)
            for tag in (deployment.champion, deployment.other)
        )
    return int((one != other).sum())


def test_every_picture_is_compared_and_disagreements_become_review_requests(
    deployment: Deployment, images: torch.Tensor
) -> None:
    assert deployment.start_shadow(version=deployment.other.partition(":")[2]).json()["share"] == 1
    deployment.wait_for_both_workers()
    before = deployment.pictures()
    for batch in images.split(60):
        deployment.classify(batch)
    wait_for(
        lambda: sum(deployment.pictures().values()) - sum(before.values()) == len(images),
        PATIENCE,
        "all pictures compared",
    )
    after = deployment.pictures()
    disagreed = disagreements(deployment, images)
    assert disagreed > 5
    assert after["disagreed"] - before["disagreed"] == pytest.approx(disagreed, abs=2)
    assert after["dropped"] == before["dropped"]
    listed = deployment.trainer.get("/corrections?state=review_requested")
    assert 0 < listed["counts"]["review_requested"] <= 20
    review = listed["corrections"][0]
    assert review["label"] == review["predicted"]
    assert review["model"] == deployment.champion
    assert review["source"] == "shadow"
    reason = f"Version {deployment.champion.partition(':')[2]} says {review['label']}, version "
    assert review["reason"].startswith(reason + deployment.other.partition(":")[2] + " says ")


def test_a_share_of_the_pictures_is_compared(deployment: Deployment, images: torch.Tensor) -> None:
    deployment.start_shadow(version=deployment.other, share=0.25)
    deployment.wait_for_both_workers()
    before = sum(deployment.pictures().values())
    for batch in images.split(50):
        deployment.classify(batch)
    wait_for(lambda: sum(deployment.pictures().values()) > before, PATIENCE, "pictures compared")
    deployment.wait_until_idle()
    assert 20 < sum(deployment.pictures().values()) - before < 85  # 50 expected; deviation 6


def test_a_killed_shadow_process_is_restarted_without_failed_requests(
    deployment: Deployment, images: torch.Tensor
) -> None:
    deployment.start_shadow(version=deployment.other)
    deployment.wait_for_both_workers()
    before = deployment.pictures()
    for process in deployment.shadow_processes():
        process.kill()
    for batch in images.split(60):
        assert len(deployment.classify(batch)) == len(batch)
        time.sleep(0.4)  # the first arrive before the feeder has noticed, the last after it
    deployment.wait_for_both_workers()
    wait_for(lambda: len(deployment.shadow_processes()) == 2, PATIENCE, "both processes")
    wait_for(
        lambda: sum(deployment.pictures().values()) - sum(before.values()) == len(images),
        PATIENCE,
        "every picture accounted for",
    )
    assert deployment.trainer.get("/shadow")["reason"] is None


def test_pictures_that_a_stopped_shadow_cannot_take_are_dropped_and_counted(
    deployment: Deployment, images: torch.Tensor
) -> None:
    deployment.start_shadow(version=deployment.other)
    deployment.wait_for_both_workers()
    before = deployment.pictures()
    for process in deployment.shadow_processes():
        process.send_signal(signal.SIGSTOP)
    sent = 0
    while deployment.pictures()["dropped"] == before["dropped"]:
        for batch in images.split(60):
            sent += len(deployment.classify(batch))
        assert sent < 20_000
    for process in deployment.shadow_processes():
        process.send_signal(signal.SIGCONT)
        # Otherwise it may wait for minutes until no other test uses the cores.
        os.sched_setscheduler(process.pid, os.SCHED_OTHER, os.sched_param(0))
    wait_for(
        lambda: sum(deployment.pictures().values()) - sum(before.values()) == sent,
        PATIENCE,
        "every picture accounted for",
    )


def test_a_shadow_process_has_the_idle_scheduling_class(deployment: Deployment) -> None:
    deployment.start_shadow(version=deployment.other)
    deployment.wait_for_both_workers()
    assert {os.sched_getscheduler(process.pid) for process in deployment.shadow_processes()} == {
        os.SCHED_IDLE
    }


def test_a_promoted_shadow_ends_with_a_reason(deployment: Deployment) -> None:
    deployment.start_shadow(version=deployment.other)
    deployment.wait_for_both_workers()
    deployment.trainer.post(f"/models/{deployment.other.partition(':')[2]}/promote")
    wait_for(lambda: deployment.trainer.get("/shadow")["reason"] is not None, PATIENCE, "its end")
    assert deployment.trainer.get("/shadow") | {"since": ""} == {
        "version": deployment.other.partition(":")[2],
        "share": 1,
        "since": "",
        "workers": 0,
        "reason": "It is the champion now.",
        "actor": "local",
    }
    wait_for(lambda: not deployment.shadow_processes(), what="the processes' end")
    metrics = requests.get(f"{deployment.classifier.url}/metrics", timeout=10).text
    assert 'wardrobe_shadows_ended_total{reason="promoted"} 1.0' in metrics


def test_a_deleted_shadow_ends_with_a_reason(deployment: Deployment) -> None:
    folder = deployment.copy_other("deletedaaaaaaaaa")
    deployment.start_shadow(version="deletedaaaaaaaaa")
    deployment.wait_for_both_workers()
    shutil.rmtree(folder)
    wait_for(lambda: deployment.trainer.get("/shadow")["workers"] == 0, what="its end")
    assert deployment.trainer.get("/shadow")["reason"] == "It is no longer in the model store."


def test_a_shadow_that_does_not_load_ends_with_a_reason(deployment: Deployment) -> None:
    weights = deployment.copy_other("brokenaaaaaaaaaa") / "weights.pt"
    drop_checksums(weights.parent)
    weights.write_bytes(weights.read_bytes()[:-1_000])
    deployment.start_shadow(version="brokenaaaaaaaaaa")
    wait_for(lambda: deployment.trainer.get("/shadow")["reason"] is not None, PATIENCE, "its end")
    assert (
        "cannot be loaded: its weights are damaged" in deployment.trainer.get("/shadow")["reason"]
    )
    shutil.rmtree(weights.parent)


@pytest.mark.parametrize(
    ("settings", "status", "message"),
    [
        ({"version": "nosuchversion"}, 404, "There is no version"),
        ({"version": "../champion"}, 404, "is not a version"),
        ({}, 400, "'version' is missing"),
        ({"version": "a", "share": 0}, 400, "'share' should be above 0."),
        ({"version": "a", "share": 1.5}, 400, "'share' should be at most 1."),
        ({"version": "a", "share": True}, 400, "'share' should be a number."),
        ({"version": "a", "colour": "red"}, 400, "There is no field 'colour'"),
    ],
)
def test_invalid_settings_are_refused(
    deployment: Deployment, settings: dict[str, Any], status: int, message: str
) -> None:
    answer = deployment.start_shadow(**settings)
    assert answer.status_code == status
    assert message in answer.json()["error"]
    assert deployment.trainer.get("/shadow")["version"] is None


def test_the_champion_cannot_shadow_itself(deployment: Deployment) -> None:
    answer = deployment.start_shadow(version=deployment.champion)
    assert answer.status_code == 409
    assert "is live already" in answer.json()["error"]


def test_packets_are_decoded_as_they_were_encoded(images: torch.Tensor) -> None:
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with sender, receiver:
        answers = np.arange(64) % 10
        sender.send(protocol.pack(images[:64].numpy(), "fashion_mnist_model:one", answers))
        packet = protocol.unpack(receiver.recv(1 << 18))
    assert packet.tag == "fashion_mnist_model:one"
    assert (packet.answers == answers).all()
    assert (packet.images == images[:64].numpy()).all()
