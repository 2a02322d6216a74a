"""Learning a class of one's own on real services, as a client sees it: make bench-own-class.

1. `drawn`: one `finetune` from `standard` learns twenty drawn hats, sent to POST /corrections.
2. `empty`: a project without Fashion-MNIST learns three classes from ten drawings each.
3. `photos`, with PHOTOS, a folder of alexeygrigorev/clothing-dataset-small: the same with twenty
   photos of hats of its train folder. Asked are its other photos of hats, and of its test folder
   those of clothes.

Each with SEEDS=3 seeds, which choose the drawings or photos and train the network. PARTS="drawn
empty" narrows it. The first version is the live one of WARDROBE_HOME if `standard` made it; else it
is trained first. Writes .bench/own_class.json.
"""

import io
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

import settings
from tests.support.processes import ROOT, Home, Server, wait_for
from tests.support.silhouettes import KINDS, OWN_KINDS, drawn
from training.data import fashion_mnist
from training.store import versions

RESULT = ROOT / ".bench" / "own_class.json"
TAUGHT = 20
TAUGHT_TO_EMPTY = 10
ASKED = 100
RUN_SECONDS = 600
PICTURES_A_CALL = 50
CLOTHES = ("pants", "dress", "t-shirt", "shirt", "outwear", "longsleeve", "shoes")
"""Folders of the photos whose content Fashion-MNIST has a class for."""

Figures = dict[str, Any]


@contextmanager
def services(first: Path | None) -> Iterator[tuple[Server, Server]]:
    """A classifier and a trainer on a new state folder, with the versions of another one."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        if first is not None:
            home.take_models_of(Home(first))
            (home.path / "data").symlink_to(first / "data")
        classifier = home.serve("classifier")
        trainer = home.serve("trainer", OMP_NUM_THREADS=str(os.cpu_count()))
        try:
            if first is not None:
                wait_for(lambda: sum(classifier.get("/model")["serving"].values()) == 2)
            yield classifier, trainer
        finally:
            classifier.stop()
            trainer.stop()


def teach(trainer: Server, name: str, pictures: list[bytes]) -> None:
    """Add a class, and send pictures of it."""
    trainer.post("/classes", json={"name": name}).raise_for_status()
    for picture in pictures:
        sent = trainer.post("/corrections", files={"image": picture}, data={"label": name})
        sent.raise_for_status()


def learn(classifier: Server, trainer: Server, recipe: str, seed: int) -> Figures:
    """Run a recipe, and wait until its version is served; promote it if the gate has not."""
    began = time.monotonic()
    started = trainer.post("/runs", json={"recipe": recipe, "seed": seed})
    started.raise_for_status()
    run_id = started.json()["run_id"]
    while (run := trainer.get(f"/runs/{run_id}"))["state"] in ("queued", "running"):
        assert time.monotonic() < began + RUN_SECONDS
        time.sleep(0.05)
    assert run["state"] == "succeeded", run["error"]
    if not run["gate"]["promoted"]:  # measured all the same
        version = run["result"]["model"].partition(":")[2]
        trainer.post(f"/models/{version}/promote", json={"reason": "To measure it."})
    wait_for(lambda: classifier.get("/model").get("serving") == {run["result"]["model"]: 2})
    return {
        "seconds": time.monotonic() - began,
        "promoted": run["gate"]["promoted"],
        "reasons": run["gate"]["reasons"],
        "test": run["result"]["accuracy"],
        "test_before": run["result"]["previous_accuracy"],
    }


def labels(classifier: Server, pictures: list[bytes]) -> list[str | None]:
    """The class of each picture, None for one that has none."""
    found: list[str | None] = []
    for start in range(0, len(pictures), PICTURES_A_CALL):
        some = pictures[start : start + PICTURES_A_CALL]
        files = [("images", (f"{number}.png", picture)) for number, picture in enumerate(some)]
        found += [
            answer.get("label") for answer in classifier.post("/classify_many", files=files).json()
        ]
    return found


def share(found: list[str | None], label: str) -> float:
    """The share of answers with this class, 0..1."""
    return found.count(label) / len(found)


def share_of_test_set(classifier: Server, root: Path, label: str) -> float:
    """The share of the 10,000 test pictures with this class, 0..1."""
    raw = (root / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte").read_bytes()[16:]
    body = io.BytesIO()
    np.save(body, np.frombuffer(raw, np.uint8).reshape(-1, 28, 28))
    headers = {"Content-Type": "application/x-npy"}
    answers = classifier.post("/classify_many", data=body.getvalue(), headers=headers).json()
    return share([answer["label"] for answer in answers], label)


def measure_drawn(first: Path, seed: int) -> Figures:
    """Twenty drawn hats."""
    chance = random.Random(seed)
    with services(first) as (classifier, trainer):
        teach(trainer, "Hat", [drawn("Hat", chance) for _ in range(TAUGHT)])
        figures = learn(classifier, trainer, "finetune", seed)
        others = [drawn(kind, chance) for kind in KINDS for _ in range(ASKED // len(KINDS))]
        return figures | {
            "hats": share(labels(classifier, [drawn("Hat", chance) for _ in range(ASKED)]), "Hat"),
            "test_called_hat": share_of_test_set(classifier, first / "data", "Hat"),
            "other_drawings_called_hat": share(labels(classifier, others), "Hat"),
        }


def measure_empty(seed: int) -> Figures:
    """A project that begins with three classes of its own."""
    chance = random.Random(seed)
    with services(None) as (classifier, trainer):
        for kind in OWN_KINDS:
            teach(trainer, kind, [drawn(kind, chance) for _ in range(TAUGHT_TO_EMPTY)])
        figures = learn(classifier, trainer, "own", seed)
        found = {
            kind: share(labels(classifier, [drawn(kind, chance) for _ in range(ASKED)]), kind)
            for kind in OWN_KINDS
        }
        return figures | {"drawings": mean(found.values()), "by_class": found}


def measure_photos(first: Path, photos: Path, seed: int) -> Figures:
    """Twenty photos of hats."""

    def of(*folders: str) -> list[bytes]:
        files = [path for folder in folders for path in sorted((photos / folder).iterdir())]
        return [path.read_bytes() for path in files]

    hats = of("test/hat", "validation/hat")
    clothes = of(*(f"test/{name}" for name in CLOTHES))
    with services(first) as (classifier, trainer):
        teach(trainer, "Hat", random.Random(seed).sample(of("train/hat"), TAUGHT))
        figures = learn(classifier, trainer, "finetune", seed)
        return figures | {
            "hats": share(labels(classifier, hats), "Hat"),
            "clothes_called_hat": share(labels(classifier, clothes), "Hat"),
            "test_called_hat": share_of_test_set(classifier, first / "data", "Hat"),
        }


@contextmanager
def first_version() -> Iterator[Path]:
    """A state folder with the data and a version by `standard`."""
    own = settings.home().absolute()
    with tempfile.TemporaryDirectory() as folder:
        try:
            is_standard = versions.describe_champion().metadata["recipe"] == "standard"
        except versions.ModelError:
            is_standard = False
        if is_standard:
            yield own
            return
        home = Home(Path(folder))
        (home.path / "data").symlink_to(fashion_mnist.prepare())
        trained = home.train("--recipe", "standard", OMP_NUM_THREADS=str(os.cpu_count()))
        assert trained.returncode == 0, trained.stderr
        yield home.path


def main() -> None:
    """Measure each part with each seed; print the figures and their means, and write them."""
    photos = os.environ.get("PHOTOS")
    chosen = os.environ.get("PARTS", "drawn empty photos").split()
    results: dict[str, list[Figures]] = {}
    with first_version() as first:
        parts: dict[str, Callable[[int], Figures]] = {
            "drawn": partial(measure_drawn, first),
            "empty": measure_empty,
        }
        if photos:
            parts["photos"] = partial(measure_photos, first, Path(photos))
        for part, measured in parts.items():
            if part in chosen:
                results[part] = []
                for seed in range(int(os.environ.get("SEEDS", "3"))):
                    results[part].append(measured(seed))
                    print(part, seed, json.dumps(results[part][-1]), flush=True)
    for part, rows in results.items():
        numbers = [name for name, value in rows[0].items() if isinstance(value, float)]
        means = {name: round(mean(row[name] for row in rows), 4) for name in numbers}
        print(part, "mean", json.dumps(means))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
