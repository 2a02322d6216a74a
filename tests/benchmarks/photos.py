"""Photos of clothes, with their background and without it: make bench-photos PHOTOS=folder.

PHOTOS is a folder with `train` and `test`, each with a folder of photos for every class, as in
alexeygrigorev/clothing-dataset-small; its test folder has 318 photos of the seven classes that are
mapped to those of Fashion-MNIST. PART=validation takes that folder in place of `test`: choices are
made on it.

Twice, with FOREGROUND=0 and then with FOREGROUND=1, on a copy of WARDROBE_HOME: how many photos the
live version names right; the same after TAUGHT=50 photos a class of `train` were corrected and
`finetune` ran once. Seconds are those of one core, from the file to the model's input. Writes
.bench/photos.json.
"""

import json
import os
import random
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from PIL import Image

import settings
from tests.support.processes import ROOT, Home
from training.evaluation import predict
from training.model import foreground
from training.model.preprocess import Grey, preprocess
from training.store import corrections, versions

RESULT = ROOT / ".bench" / "photos.json"

CLASSES = {
    "pants": ("Trouser",),
    "dress": ("Dress",),
    "t-shirt": ("T-shirt/top",),
    "shirt": ("Shirt",),
    "outwear": ("Coat",),
    "longsleeve": ("Pullover", "Shirt"),
    "shoes": ("Sneaker", "Sandal", "Ankle boot"),
}
"""What is right for each folder. The first is what its photos are corrected to."""

Photos = dict[str, list[Path]]


def photos(part: str) -> Photos:
    """The files of each class."""
    folder = Path(os.environ["PHOTOS"]) / part
    return {name: sorted((folder / name).iterdir()) for name in CLASSES}


def inputs(files: Photos) -> tuple[dict[str, list[Grey]], float]:
    """The model's input for each photo, by class, and the seconds of one core for a photo."""
    preprocess(Image.open(files["pants"][0]))  # loads the network
    began = time.process_time()
    found = {name: [preprocess(Image.open(path)) for path in files[name]] for name in files}
    return found, (time.process_time() - began) / sum(map(len, files.values()))


def named_right(pictures: dict[str, list[Grey]]) -> dict[str, float]:
    """The shares that the live version names right, 0..1: by class, of all, and their mean."""
    model = versions.load(versions.champion() or "")
    hits = {}
    for name, images in pictures.items():
        chosen = predict(model.network, torch.as_tensor(np.stack(images))).argmax(1).tolist()
        hits[name] = [model.class_names[idx] in CLASSES[name] for idx in chosen]
    shares = {name: mean(of_class) for name, of_class in hits.items()}
    every = [hit for of_class in hits.values() for hit in of_class]
    return {**shares, "all": mean(every), "mean": mean(shares.values())}


def teach(count: int) -> None:
    """Correct so many photos of each class, drawn at random: one a minute, as a person does.

    Many of one class in a few seconds would look like a mistake to the label-noise filter.
    """
    chance = random.Random(0)
    chosen = [
        (path, CLASSES[name][0])
        for name, files in photos("train").items()
        for path in chance.sample(files, count)
    ]
    rows, begin = [], datetime(2026, 1, 1, tzinfo=UTC)
    for number, (path, label) in enumerate(chosen):
        picture = preprocess(Image.open(path)).tobytes()
        rows.append(
            corrections.Correction(
                id=number + 1,
                content_hash=corrections.content_hash(picture),
                label=label,
                predicted=None,
                model=None,
                source="upload",
                created_at=(begin + timedelta(minutes=number)).isoformat(),
                state=corrections.NEW,
                reason=None,
                picture=picture,
            )
        )
    added, _ = corrections.restore(rows)
    assert added > 0.98 * len(rows), "two photos are the same at most"


def finetune(home: Home) -> dict[str, Any]:
    """One run; its version is promoted, whatever the gate says, to measure it."""
    done = home.train("--recipe", "finetune", OMP_NUM_THREADS=str(os.cpu_count()))
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    gate = versions.describe(result["model"]).metadata["gate"]
    versions.promote(result["model"])
    quarantined = corrections.counts()[corrections.QUARANTINED]
    decision = {"promoted": gate["promoted"], "reasons": gate["reasons"]}
    return {**result, **decision, "quarantined": quarantined}


def measure(template: Path, on: str) -> dict[str, Any]:
    """All figures with FOREGROUND on or off, from a copy of a state folder."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        shutil.copytree(template, home.path, symlinks=True)
        os.environ |= {"WARDROBE_HOME": str(home.path), "FOREGROUND": on}
        foreground.is_on.cache_clear()
        asked, seconds = inputs(photos(os.environ.get("PART", "test")))
        untaught = named_right(asked)
        before = versions.describe_champion().metadata["accuracy"]
        teach(int(os.environ.get("TAUGHT", "50")))
        run = finetune(home)
        return {
            "foreground": on,
            "photos": sum(map(len, asked.values())),
            "ms_per_photo": 1_000 * seconds,
            "untaught": untaught,
            "taught": named_right(asked),
            "test_before": before,
            "test_after": run["accuracy"],
            "run_seconds": run["seconds"],
            "quarantined": run["quarantined"],
            "promoted": run["promoted"],
            "reasons": run["reasons"],
        }


def main() -> None:
    """Measure, print, write."""
    torch.set_num_threads(1)
    template = settings.home()
    rows = []
    for on in ("0", "1"):
        rows.append(measure(template, on))
        print(json.dumps(rows[-1], indent=2), flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
