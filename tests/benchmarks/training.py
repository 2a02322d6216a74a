"""The recipes beside the reference's loop, on the same machine in one run: make bench-training.

RECIPES="quick standard" and SEEDS=2 narrow it. Prints a table, and writes the same as JSON to
.bench/training.json. The reference's loop is that of its document: DataLoaders that turn each
picture into a tensor by itself, SGD, three epochs, each followed by the figures on the test set.
A recipe's time is that of `train.train`, from loading data to a stored version. *Varied* is the
accuracy on the same test pictures, each moved by up to 2 pixels each way and scaled by 0.9 to 1.1.
"""

import json
import math
import os
import tempfile
import time
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import torch
from torch.nn.functional import affine_grid, cross_entropy, grid_sample
from torch.utils.data import DataLoader

from training.data import fashion_mnist
from training.data.torchvision_datasets import datasets
from training.evaluation import evaluate, predict
from training.model import networks
from training.model.preprocess import SIDE, to_input
from training.recipes import RECIPES
from training.run_recorder import RunRecorder
from training.store import runs, versions
from training.train import train

ROOT = Path(__file__).parents[2]
RESULT = ROOT / ".bench" / "training.json"
COLUMNS = "{:<12}{:>6}{:>18}{:>9}{:>9}{:>8}{:>12}{:>10}{:>8}"

REFERENCE_EPOCHS = 3
REFERENCE_BATCH = 64
REFERENCE_RATE = 1e-3
INFERENCE_BATCH = 32
INFERENCE_SECONDS = 1.0
SHIFT = 2
SCALE = 0.1


def reference_loop(root: Path) -> float:
    """Seconds that the reference's own way of training, and testing as it goes, takes."""
    torchvision_datasets = datasets()  # before any other import of torchvision
    from torchvision.transforms import ToTensor

    pictures = torchvision_datasets.FashionMNIST(root, train=True, transform=ToTensor())
    test = torchvision_datasets.FashionMNIST(root, train=False, transform=ToTensor())
    network = networks.build("mlp", 10)
    optimizer = torch.optim.SGD(network.parameters(), lr=REFERENCE_RATE)
    began = time.monotonic()
    for _ in range(REFERENCE_EPOCHS):
        for images, labels in DataLoader(pictures, batch_size=REFERENCE_BATCH):
            loss = cross_entropy(network(images.squeeze(1)), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        hits = 0
        with torch.no_grad():
            for images, labels in DataLoader(test, batch_size=REFERENCE_BATCH):
                hits += int((network(images.squeeze(1)).argmax(1) == labels).sum())
    return time.monotonic() - began


def one_run(recipe: str, seed: int) -> dict[str, Any]:
    """Train once. Returns the version's metadata, and the whole run's seconds as `seconds`."""
    run, lock = runs.create({"recipe": recipe, "seed": seed})
    began = time.monotonic()
    result = train(RECIPES[recipe], seed, RunRecorder(run), promote=False)
    seconds = time.monotonic() - began
    os.close(lock)
    version = versions.describe(result["model"])
    accuracy_varied = accuracy_when_varied(version.tag)
    return {
        **version.metadata,
        "accuracy_varied": accuracy_varied,
        "seconds": seconds,
        "tag": version.tag,
    }


def accuracy_when_varied(tag: str) -> float:
    """Of a stored version, 0..1, on the test pictures, each moved and scaled by chance."""
    test = fashion_mnist.load_test()
    order, count = torch.Generator().manual_seed(0), len(test.labels)
    pixels = torch.randint(-SHIFT, SHIFT + 1, (count, 2), generator=order)
    factors = 1 + SCALE * (2 * torch.rand(count, generator=order) - 1)
    towards = torch.zeros(count, 2, 3)
    towards[:, 0, 0] = towards[:, 1, 1] = 1 / factors
    towards[:, :, 2] = pixels * 2 / SIDE
    grid = affine_grid(towards, [count, 1, SIDE, SIDE], align_corners=False)
    varied = grid_sample(test.images[:, None].float(), grid, align_corners=False)[:, 0]
    answers = predict(versions.load(tag).network, varied.round().to(torch.uint8))
    return evaluate(answers, test.labels)["accuracy"]


def images_per_second(tag: str) -> float:
    """Forward passes of a stored version on one thread, in batches of 32."""
    network = versions.load(tag).network
    batch = to_input(fashion_mnist.load_test().images[:INFERENCE_BATCH])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    passes, best = 10, math.inf
    ends = time.monotonic() + INFERENCE_SECONDS
    with torch.inference_mode():
        while time.monotonic() < ends:
            began = time.perf_counter()
            for _ in range(passes):
                network(batch)
            best = min(best, (time.perf_counter() - began) / passes)
    torch.set_num_threads(threads)
    return INFERENCE_BATCH / best


def row(recipe: str, seeds: int, root: Path) -> dict[str, Any]:
    """A recipe's figures over its seeds; the reference's loop is timed right before them."""
    reference = reference_loop(root)
    results = [one_run(recipe, seed) for seed in range(seeds)]
    accuracies = [result["accuracy"] for result in results]
    seconds = fmean(result["seconds"] for result in results)
    return {
        "recipe": recipe,
        "seeds": seeds,
        "accuracy_mean": fmean(accuracies),
        "accuracy_std": pstdev(accuracies),
        "accuracy_varied": fmean(result["accuracy_varied"] for result in results),
        "seconds": seconds,
        "ratio_to_reference_loop": seconds / reference,
        "parameters": results[0]["parameters"],
        "images_per_second": images_per_second(results[0]["tag"]),
        "ece": fmean(result["calibration_error"] for result in results),
    }


def main() -> None:
    """Train, print, write. The versions go to a store of their own and are deleted."""
    root = fashion_mnist.prepare()
    names = os.environ.get("RECIPES", " ".join(RECIPES)).split()
    rows = []
    print(COLUMNS.format(
        "recipe", "seeds", "accuracy", "varied", "seconds", "ratio", "parameters", "images/s", "ECE"
    ))  # fmt: skip
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "data").symlink_to(root)
        os.environ["WARDROBE_HOME"] = home
        for name in names:
            seeds = int(os.environ.get("SEEDS", "3" if name == "best" else "5"))
            it = row(name, seeds, root)
            rows.append(it)
            print(COLUMNS.format(
                name, seeds, f"{it['accuracy_mean']:.2%} ± {it['accuracy_std']:.2%}",
                f"{it['accuracy_varied']:.2%}", f"{it['seconds']:.1f}",
                f"{it['ratio_to_reference_loop']:.2f}", f"{it['parameters']:,}",
                f"{it['images_per_second']:,.0f}", f"{it['ece']:.2%}",
            ), flush=True)  # fmt: skip
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
