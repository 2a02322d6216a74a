"""The learning loop on real services: make bench-loop.

Three things, each as a client sees it:

1. Ten kinds of drawings, forty each. Half of them go to POST /corrections, one `finetune` run
   learns from them, and the other half tells what it learned. Beside it the time of the
   reference's loop.
2. Two hundred corrections of which 5 % carry a wrong class: how many a run sets aside, and of the
   right ones.
3. Ten thousand corrections in the store: how long the gallery's page, the export and the start of
   a run take.

RECIPES="standard quick" says by which recipes the version is made that learns. Writes
.bench/loop.json.
"""

import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import requests

from tests.benchmarks.training import reference_loop
from tests.support.processes import ROOT, Home, Server, wait_for
from tests.support.silhouettes import KINDS, drawn
from training.data import fashion_mnist
from training.store import corrections
from training.store.corrections import LabelSubmission

RESULT = ROOT / ".bench" / "loop.json"
OF_EACH_KIND = 40
WRONG_SHARE = 0.05
MANY = 10_000
RUN_SECONDS = 600


@contextmanager
def services(recipe: str, root: Path) -> Iterator[tuple[Server, Server]]:
    """A classifier and a trainer on a state folder of their own, with a version by `recipe`."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        (home.path / "data").symlink_to(root)
        os.environ["WARDROBE_HOME"] = folder
        threads = str(os.cpu_count())
        trained = home.train("--recipe", recipe, OMP_NUM_THREADS=threads)
        assert trained.returncode == 0, trained.stderr
        classifier, trainer = (
            home.serve("classifier"),
            home.serve("trainer", OMP_NUM_THREADS=threads),
        )
        try:
            wait_for(lambda: sum(classifier.get("/model")["serving"].values()) == 2)
            yield classifier, trainer
        finally:
            classifier.stop()
            trainer.stop()


def correct(trainer: Server, png: bytes, label: str) -> int:
    """Send a correction. Returns its id."""
    answer = trainer.post("/corrections", files={"image": png}, data={"label": label})
    answer.raise_for_status()
    return int(answer.json()["id"])


def accuracy(classifier: Server, pictures: list[tuple[bytes, str]]) -> float:
    """The share that the classifier names right, 0..1."""
    files = [("images", (f"{number}.png", png)) for number, (png, _) in enumerate(pictures)]
    answers = classifier.post("/classify_many", files=files).json()
    hits: list[bool] = [
        answer["label"] == label for answer, (_, label) in zip(answers, pictures, strict=True)
    ]
    return sum(hits) / len(hits)


def finetuned(trainer: Server) -> tuple[dict[str, Any], float]:
    """One run to its end: its record, and the seconds from the call to the end."""
    began = time.monotonic()
    answer = trainer.post("/runs", json={"recipe": "finetune"})
    answer.raise_for_status()
    run_id = answer.json()["run_id"]
    while (run := trainer.get(f"/runs/{run_id}"))["state"] in ("queued", "running"):
        assert time.monotonic() < began + RUN_SECONDS
        time.sleep(0.05)
    assert run["state"] == "succeeded", run["error"]
    return run, time.monotonic() - began


def learns(recipe: str, root: Path) -> dict[str, Any]:
    """The first thing."""
    chance = random.Random(0)
    pictures = [(drawn(kind, chance), kind) for kind in KINDS for _ in range(OF_EACH_KIND)]
    told, asked = pictures[::2], pictures[1::2]
    with services(recipe, root) as (classifier, trainer):
        before = accuracy(classifier, asked)
        tested = classifier.get("/model")["metadata"]["accuracy"]
        for png, label in told:
            correct(trainer, png, label)
        run, seconds = finetuned(trainer)
        if not run["gate"]["promoted"]:  # measured all the same
            version = run["result"]["model"].partition(":")[2]
            trainer.post(f"/models/{version}/promote", json={"reason": "To measure it."})
        wait_for(lambda: classifier.get("/model")["serving"] == {run["result"]["model"]: 2})
        return {
            "what": "learns",
            "recipe": recipe,
            "drawings_before": before,
            "drawings_after": accuracy(classifier, asked),
            "test_before": tested,
            "test_after": run["result"]["accuracy"],
            "corrections": run["corrections"],
            "promoted": run["gate"]["promoted"],
            "reasons": run["gate"]["reasons"],
            "seconds": seconds,
            "reference_loop_seconds": reference_loop(root),
        }


def filters_wrong_labels(recipe: str, root: Path) -> dict[str, Any]:
    """Share of wrong and of right labels that the label-noise filter quarantines."""
    chance = random.Random(1)
    pictures = [(drawn(kind, chance), kind) for kind in KINDS for _ in range(OF_EACH_KIND // 2)]
    mistaken = set(chance.sample(range(len(pictures)), round(WRONG_SHARE * len(pictures))))
    with services(recipe, root) as (_, trainer):
        wrong = set()
        for number, (png, kind) in enumerate(pictures):
            others = [it for it in KINDS if it != kind]
            said = chance.choice(others) if number in mistaken else kind
            correction_id = correct(trainer, png, said)
            if number in mistaken:
                wrong.add(correction_id)
        finetuned(trainer)
        page = trainer.get("/corrections?state=quarantined&limit=500")["corrections"]
    found = {row["id"] for row in page}
    assert all(row["reason"] for row in page)
    return {
        "what": "filters_wrong_labels",
        "recipe": recipe,
        "wrong": len(wrong),
        "wrong_quarantined": len(found & wrong),
        "right": len(pictures) - len(wrong),
        "right_quarantined": len(found - wrong),
    }


def holds_many(recipe: str, root: Path) -> dict[str, Any]:
    """The third thing. The pictures are training pictures, each altered a little."""
    dataset = fashion_mnist.load()
    chance = np.random.default_rng(0)
    with services(recipe, root) as (_, trainer):
        fill(dataset, chance)
        began = time.monotonic()
        page = requests.get(f"{trainer.url}/corrections?limit=30", timeout=60)
        page_seconds = time.monotonic() - began
        assert sum(page.json()["counts"].values()) == MANY
        began = time.monotonic()
        with requests.get(f"{trainer.url}/corrections/export", stream=True, timeout=60) as export:
            pieces = export.iter_content(65_536)
            size = len(next(pieces))
            first_seconds = time.monotonic() - began
            size += sum(map(len, pieces))
            export_seconds = time.monotonic() - began
        began = time.monotonic()
        run_id = trainer.post("/runs", json={"recipe": "finetune"}).json()["run_id"]
        wait_for(lambda: trainer.get(f"/runs/{run_id}")["phase"] == "training", 120)
        start_seconds = time.monotonic() - began
        trainer.post(f"/runs/{run_id}/cancel")
    return {
        "what": "holds many",
        "recipe": recipe,
        "corrections": MANY,
        "page_seconds": page_seconds,
        "export_first_seconds": first_seconds,
        "export_seconds": export_seconds,
        "export_mb": size / 1e6,
        "run_starts_seconds": start_seconds,
    }


def fill(dataset: fashion_mnist.FashionMNIST, chance: np.random.Generator) -> None:
    """Put MANY corrections into the store, all at once, as an import does."""
    rows, begin = [], datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(MANY):
        picture = dataset.train.images[number].numpy().copy()
        picture[0, chance.integers(28)] ^= 1
        content = picture.tobytes()
        rows.append(
            corrections.Correction(
                id=number + 1,
                content_hash=corrections.content_hash(content),
                label=dataset.class_names[int(dataset.train.labels[number])],
                predicted=None,
                model=None,
                source=LabelSubmission("").source,
                created_at=(begin + timedelta(minutes=number)).isoformat(),
                state=corrections.NEW,
                reason=None,
                picture=content,
            )
        )
    added, _ = corrections.restore(rows)
    assert added == MANY


def main() -> None:
    """Measure, print, write."""
    root = fashion_mnist.prepare()
    names = os.environ.get("RECIPES", "standard quick").split()
    rows = []
    for name in names:
        for part in (learns, filters_wrong_labels, holds_many):
            rows.append(part(name, root))
            print(json.dumps(rows[-1], indent=2), flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
