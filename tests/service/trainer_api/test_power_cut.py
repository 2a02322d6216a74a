"""Everything is killed at any moment of a correction, a run or a promotion: all stays whole."""

import itertools
import random
import threading
import time

import psutil
import requests

from tests.support.processes import Home, MakeHome, Server, wait_for
from tests.support.silhouettes import KINDS, drawn

CUTS = 6
LONGEST_SECONDS = 6.0
"""Until a cut: a run of one epoch is over before, with its promotion."""


class Visitor(threading.Thread):
    """Corrects one drawing after the other, and promotes now and then, until the power is cut."""

    def __init__(self, trainer: Server, versions: list[str], chance: random.Random) -> None:
        super().__init__(daemon=True)
        self._trainer, self._versions, self._chance = trainer, versions, chance
        self.acknowledged: set[int] = set()

    def run(self) -> None:
        try:
            for number in itertools.count():
                kind = self._chance.choice(KINDS)
                answer = self._trainer.post(
                    "/corrections",
                    files={"image": drawn(kind, self._chance)},
                    data={"label": kind},
                )
                self.acknowledged.add(int(answer.json()["id"]))
                if number % 5 == 4:
                    version = self._chance.choice(self._versions)
                    self._trainer.post(f"/models/{version}/promote")
        except requests.RequestException:  # the power is cut
            return


def cut_the_power(home: Home, servers: list[Server]) -> None:
    """Kill -9 for servers, workers and runs."""
    for server in servers:
        server.kill()
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "training.train" in command and process.environ().get("WARDROBE_HOME") == str(home.path):
            process.kill()
            process.wait(10)


def test_a_power_cut_leaves_everything_whole(make_home: MakeHome, home: Home) -> None:
    own = make_home()
    own.take_models_of(home)
    assert own.train("--recipe", "quick", "--epochs", "1", "--seed", "9").returncode == 0
    chance = random.Random(4)
    acknowledged: set[int] = set()
    for _ in range(CUTS):
        servers = [own.serve("trainer"), own.serve("classifier")]
        trainer, classifier = servers
        try:
            wait_for(lambda: sum(classifier.get("/model")["serving"].values()) == 2)  # noqa: B023
            check(trainer, classifier, acknowledged)
            versions = [it["version"] for it in trainer.get("/models")["models"]]
            visitor = Visitor(trainer, versions, random.Random(chance.random()))
            visitor.start()
            answer = trainer.post("/runs", json={"recipe": "quick", "epochs": 1, "seed": 3})
            assert answer.status_code == 201
            time.sleep(chance.uniform(0.1, LONGEST_SECONDS))
        finally:
            cut_the_power(own, servers)
        visitor.join(30)
        acknowledged |= visitor.acknowledged
    trainer, classifier = own.serve("trainer"), own.serve("classifier")
    try:
        wait_for(lambda: sum(classifier.get("/model")["serving"].values()) == 2)
        check(trainer, classifier, acknowledged)
    finally:
        trainer.stop()
        classifier.stop()
    assert len(acknowledged) > CUTS


def check(trainer: Server, classifier: Server, acknowledged: set[int]) -> None:
    """Every acknowledged correction is there, and the champion is a whole version."""
    there: set[int] = set()
    after: int | None = 0
    while after is not None:
        page = trainer.get(f"/corrections?limit=500&after={after}")
        there |= {row["id"] for row in page["corrections"]}
        after = page["next"]
    assert acknowledged <= there
    models = trainer.get("/models")
    assert models["champion"] in {it["tag"] for it in models["models"]}
    assert classifier.get("/model")["serving"] == {models["champion"]: 2}
    states = [run["state"] for run in trainer.get("/runs")["runs"]]
    assert set(states) <= {"succeeded", "interrupted"}
