"""How well a version tells what it knows from what it does not: make bench-unknown.

1. `families`: the test pictures of Fashion-MNIST against families of pictures that are no clothes,
   drawn on the spot. Beside the familiarity of the answers stand the largest probability, which is
   what most programs use, and the energy. With PHOTOS, a folder of
   alexeygrigorev/clothing-dataset-small: photos of hats and crops of photos, too.
2. `taught`: drawings of clothes, twenty of each class. How many of others like them does the
   version not know, before and after one `finetune` on them?

AUROC is the probability that a test picture has a higher score than an unknown one. The score was
chosen on the families FOR_CHOICE; the figures that count are those of the others. Photos of clothes
are stated, but count neither as known nor as unknown.

The version is the live one of WARDROBE_HOME. PARTS="families" leaves out the second part. Writes
.bench/familiarity.json.
"""

import io
import json
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import settings
from tests.support.processes import ROOT, Home
from tests.support.samples import unknown_pictures
from tests.support.silhouettes import KINDS, OWN_KINDS, drawn
from training.data import fashion_mnist
from training.evaluation import infer
from training.familiarity_fitting import fit_familiarity
from training.feedback.run_data import no_pictures
from training.model.familiarity import KNOWN_FROM
from training.model.preprocess import Grey, NothingToSee, preprocess
from training.store import corrections, versions

RESULT = ROOT / ".bench" / "familiarity.json"
OF_EACH_FAMILY = 1_000
CROPS = 600
DRAWINGS_A_CLASS = 20
BATCH = 250

Figures = dict[str, Any]
Scores = np.ndarray


def familiarity(model: versions.Model, images: Grey) -> Scores:
    """The familiarity of pictures, uint8 (N, 28, 28)."""
    found = [model.predict(images[at : at + BATCH]) for at in range(0, len(images), BATCH)]
    return np.concatenate([it.familiarity for it in found])


def confidence(model: versions.Model, images: Grey) -> Scores:
    """The probability of the predicted class."""
    return infer(model.network, torch.from_numpy(images)).softmax(1).max(1).values.numpy()


def energy(model: versions.Model, images: Grey) -> Scores:
    """The log of the sum of the logits' exponentials."""
    return infer(model.network, torch.from_numpy(images)).logsumexp(1).numpy()


SCORES: dict[str, Callable[[versions.Model, Grey], Scores]] = {
    it.__name__: it for it in (familiarity, confidence, energy)
}


def auroc(known: Scores, unknown: Scores) -> float:
    """The probability that a known picture has the higher score; equal ones count half."""
    ranked = np.sort(unknown)
    lower, not_higher = (np.searchsorted(ranked, known, side) for side in ("left", "right"))
    return float((lower + not_higher).mean() / (2 * len(unknown)))


def families(photos: Path | None) -> Iterator[tuple[str, Grey]]:
    """The families, by name, those that the score was chosen on first."""
    for name, family in (unknown_pictures.FOR_CHOICE | unknown_pictures.REPORTED).items():
        yield name, unknown_pictures.pictures(family, OF_EACH_FAMILY)
    chance = random.Random(0)
    own = [drawn(chance.choice(OWN_KINDS), chance) for _ in range(OF_EACH_FAMILY // 2)]
    yield "drawings of other things", seen(map(io.BytesIO, own))
    if photos is not None:
        yield "photos of hats", seen(sorted(photos.glob("*/hat/*")))
        yield "crops of photos", crops(sorted(photos.glob("train/*/*")))
        clothes = [it for it in sorted(photos.glob("test/*/*")) if it.parent.name != "hat"]
        yield "photos of clothes", seen(clothes)


def seen(files: Any) -> Grey:
    """Picture files as the model sees them; those with nothing to see are left out."""
    found = []
    for file in files:
        try:
            found.append(preprocess(Image.open(file)))
        except NothingToSee:
            continue
    return np.stack(found)


def crops(photos: list[Path]) -> Grey:
    """Grey squares out of photos, reduced to 28x28."""
    chance, found = random.Random(0), list[Grey]()
    while len(found) < CROPS:
        image = Image.open(chance.choice(photos)).convert("L")
        side = chance.randint(28, min(image.size) // 2)
        left, top = (chance.randint(0, length - side) for length in image.size)
        square = image.crop((left, top, left + side, top + side))
        try:
            found.append(preprocess(square.resize((28, 28), Image.Resampling.BOX)))
        except NothingToSee:
            continue
    return np.stack(found)


def compare_families(model: versions.Model, photos: Path | None) -> Figures:
    """The first part."""
    test = fashion_mnist.load_test()
    images = test.images.numpy()
    known = {name: score(model, images) for name, score in SCORES.items()}
    found = {}
    print(f"{'':<26}" + "".join(f"{name:>13}" for name in SCORES) + "     called unknown")
    for name, unknown in families(photos):
        scores = {each: score(model, unknown) for each, score in SCORES.items()}
        areas = {each: auroc(known[each], scores[each]) for each in SCORES}
        found[name] = areas | {"unknown": float((scores["familiarity"] < KNOWN_FROM).mean())}
        columns = "".join(f"{area:>13.3f}" for area in areas.values())
        print(f"{name:<26}{columns}{found[name]['unknown']:>19.1%}", flush=True)
    reported = {*found} - {*unknown_pictures.FOR_CHOICE, "photos of clothes"}
    summary: Figures = {}
    for kind, choose in (("worst", min), ("mean", np.mean)):
        summary[kind] = {
            score: float(choose([found[name][score] for name in reported])) for score in SCORES
        }
        columns = "".join(f"{area:>13.3f}" for area in summary[kind].values())
        print(f"{kind + ' of ' + str(len(reported)):<26}{columns}")
    is_known = known["familiarity"] >= KNOWN_FROM
    is_right = infer(model.network, test.images).argmax(1).eq(test.labels).numpy()
    summary |= {
        "model": model.tag,
        "families": found,
        "test_unknown": 1 - float(is_known.mean()),
        "test_accuracy": float(is_right.mean()),
        "test_accuracy_of_known": float(is_right[is_known].mean()),
    }
    print(
        f"test pictures called unknown: {summary['test_unknown']:.2%}; accuracy on the rest "
        f"{summary['test_accuracy_of_known']:.2%}, on all {summary['test_accuracy']:.2%}"
    )
    return summary


def teach_drawings(model: versions.Model) -> Figures:
    """The second part, in a state folder of its own with the version."""
    chance = random.Random(0)
    drawings = [(drawn(kind, chance), kind) for kind in KINDS for _ in range(2 * DRAWINGS_A_CLASS)]
    images, labels = seen(io.BytesIO(png) for png, _ in drawings), [kind for _, kind in drawings]
    told, asked = images[::2], images[1::2]
    first = settings.home()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.take_models_of(Home(first))
        (home.path / "data").symlink_to(first / "data")
        os.environ["WARDROBE_HOME"] = folder
        for image, label in zip(told, labels[::2], strict=True):
            corrections.add(image, corrections.LabelSubmission(label))
        trained = home.train("--recipe", "finetune", OMP_NUM_THREADS=str(os.cpu_count()))
        assert trained.returncode == 0, trained.stderr
        taught = versions.load(json.loads(trained.stdout.splitlines()[-1])["model"])
        os.environ["WARDROBE_HOME"] = str(first)
    test = fashion_mnist.load_test().images.numpy()

    def unknown(version: versions.Model, pictures: Grey) -> float:
        return float((familiarity(version, pictures) < KNOWN_FROM).mean())

    right = infer(taught.network, torch.from_numpy(asked)).argmax(1).tolist()
    found = {
        "untaught_unknown": unknown(model, asked),
        "taught_unknown": unknown(taught, asked),
        "taught_right": float(
            np.mean([taught.class_names[a] == b for a, b in zip(right, labels[1::2], strict=True)])
        ),
        "test_unknown_after": unknown(taught, test),
        "test_accuracy_after": taught.metadata["accuracy"],
    }
    for name, family in unknown_pictures.REPORTED.items():
        pictures = unknown_pictures.pictures(family, OF_EACH_FAMILY)
        area = auroc(familiarity(taught, test), familiarity(taught, pictures))
        found[f"auroc_after_{name}"] = area
    print(json.dumps(found, indent=2))
    return found


def main() -> None:
    """Measure, print, write."""
    model = versions.load(str(versions.champion()))
    if model.familiarity is None:  # stored by earlier code
        data = fashion_mnist.load()
        fitted = fit_familiarity(model.network, data.train, data.validation, no_pictures())
        model = replace(model, familiarity=fitted)
    folder = os.environ.get("PHOTOS")
    parts = os.environ.get("PARTS", "families taught").split()
    result: Figures = {}
    if "families" in parts:
        result["families"] = compare_families(model, Path(folder) if folder else None)
    if "taught" in parts:
        result["taught"] = teach_drawings(model)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
