"""Train a network on Fashion-MNIST, store it as a new version and make it the champion.

    python -m training.train [--recipe quick] [--epochs 5] [--seed 0] [--no-promote]

The last line printed is one JSON object: model (its tag), accuracy on the test set (0..1),
seconds and epochs. Exit code 1, with a sentence, when the run fails.
"""

import argparse
import getpass
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from training import data, model_store, networks, runs
from training.preprocess import to_input
from training.recipes import DEFAULT_RECIPE, RECIPES, Recipe

_EVALUATION_BATCH = 1_000
_PROGRESS_SECONDS = 0.3
"""How often run.json tells the progress within an epoch."""

_TRAINING_SHARE = 0.95
"""Of a run's progress; the rest is testing and saving."""


_NICENESS = 10
"""Of a run that the trainer starts: serving on the same cores goes first."""

_WARM_UP_SHARE = 0.2
"""Of a one-cycle schedule's steps: chosen on the validation split."""


class Recorder:
    """Tells a run's course: run.json for where it stands, events.jsonl for each step."""

    def __init__(self, run: runs.Run) -> None:
        self.run = run
        self._started = time.monotonic()
        self._told = 0.0

    def phase(self, name: str, **changes: Any) -> None:
        """Enter the next part of the run."""
        self._update(phase=name, durable=True, **changes)
        runs.append_event(self.run.run_id, {"type": "phase", "time": runs.now(), "phase": name})

    def step(self, epoch: int, step: int, loss: float, accuracy: float, progress: float) -> None:
        """One optimizer step: its batch's mean loss and accuracy; `progress` 0..1 of training."""
        progress *= _TRAINING_SHARE
        event = {
            "type": "step",
            "time": runs.now(),
            "epoch": epoch,
            "step": step,
            "loss": loss,
            "accuracy": accuracy,
            "progress": progress,
        }
        runs.append_event(self.run.run_id, event)
        if time.monotonic() - self._told > _PROGRESS_SECONDS:
            eta_seconds = self._eta(progress)
            self._update(progress=progress, eta_seconds=eta_seconds, loss=loss, accuracy=accuracy)

    def epoch(self, figures: dict[str, float]) -> None:
        """The end of an epoch: loss and accuracy on training and on validation pictures."""
        self._update(epochs=[*self.run.epochs, figures])
        runs.append_event(self.run.run_id, {"type": "epoch", "time": runs.now(), **figures})

    def training_begins(self) -> None:
        """The ETA counts from here: loading is not a part of it."""
        self._started = time.monotonic()

    def _eta(self, progress: float) -> float:
        return round((time.monotonic() - self._started) * (1 / progress - 1), 1)

    def _update(self, *, durable: bool = False, **changes: Any) -> None:
        self.run = replace(self.run, **changes)
        runs.write(self.run, durable=durable)
        self._told = time.monotonic()


def fit(
    network: nn.Module, recipe: Recipe, dataset: data.FashionMNIST, seed: int, recorder: Recorder
) -> None:
    """Train in place. The whole data set is one tensor: a batch is one indexing operation."""
    train = dataset.train
    order = torch.Generator().manual_seed(seed)
    steps_per_epoch = -(-len(train.labels) // recipe.batch_size)
    steps = recipe.epochs * steps_per_epoch
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
    )
    schedule = (
        torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            recipe.learning_rate,
            total_steps=steps,
            pct_start=_WARM_UP_SHARE,
            cycle_momentum=False,
        )
        if recipe.one_cycle
        else torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)
    )
    recorder.training_begins()
    with tqdm(total=steps, unit="step", desc="training", mininterval=0.5) as bar:
        for epoch in range(1, recipe.epochs + 1):
            network.train()
            shuffled = torch.randperm(len(train.labels), generator=order)
            losses, hits = 0.0, 0
            for step, batch in enumerate(shuffled.split(recipe.batch_size), start=1):
                labels = train.labels[batch]
                logits = network(to_input(train.images[batch]))
                loss = cross_entropy(logits, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                correct = int((logits.argmax(1) == labels).sum())
                losses, hits = losses + loss.item() * len(batch), hits + correct
                bar.update()
                recorder.step(epoch, step, loss.item(), correct / len(batch), bar.n / steps)
            validation = dataset.validation
            held_out = evaluate(predict(network, validation.images), validation.labels)
            figures = {
                "epoch": epoch,
                "loss": losses / len(shuffled),
                "accuracy": hits / len(shuffled),
                "validation_loss": held_out["loss"],
                "validation_accuracy": held_out["accuracy"],
            }
            recorder.epoch(figures)
            bar.write(_told(figures))


@torch.inference_mode()
def predict(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Probabilities, float (N, classes), of pictures, uint8 (N, 28, 28)."""
    network.eval()
    logits = [network(to_input(batch)) for batch in images.split(_EVALUATION_BATCH)]
    return torch.cat(logits).softmax(dim=1)


def evaluate(probabilities: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Mean cross-entropy and accuracy, 0..1, of predictions, float (N, classes)."""
    loss = nn.functional.nll_loss(probabilities.clamp_min(1e-12).log(), labels).item()
    hits = int((probabilities.argmax(1) == labels).sum())
    return {"loss": loss, "accuracy": hits / len(labels)}


def per_class_accuracy(
    probabilities: torch.Tensor, labels: torch.Tensor, names: tuple[str, ...]
) -> dict[str, float]:
    """The share of each class's pictures that is named right, 0..1, by class name."""
    hits = (probabilities.argmax(1) == labels).double()
    return {name: hits[labels == idx].mean().item() for idx, name in enumerate(names)}


def train(recipe: Recipe, seed: int, recorder: Recorder, *, promote: bool = True) -> dict[str, Any]:
    """The whole of a run, from data to champion. Returns its result.

    Raises data.DataError or model_store.ModelError with a sentence that says what to do.
    """
    began = time.monotonic()
    recorder.phase("loading data", state="running", started_at=runs.now(), pid=os.getpid())
    dataset = data.load()
    torch.manual_seed(seed)
    network = networks.build(recipe.network, len(dataset.class_names))

    recorder.phase("training")
    fit(network, recipe, dataset, seed, recorder)

    recorder.phase("testing", progress=_TRAINING_SHARE, eta_seconds=None)
    test = data.load_test()
    probabilities = predict(network, test.images)
    figures = evaluate(probabilities, test.labels)
    seconds = round(time.monotonic() - began, 2)

    recorder.phase("saving", progress=0.98)
    previous = model_store.champion()
    tag = model_store.save(
        network,
        labels={"framework": "pytorch", "dataset": "fashion-mnist", "recipe": recipe.name},
        metadata={
            **figures,
            "per_class_accuracy": per_class_accuracy(
                probabilities, test.labels, dataset.class_names
            ),
            "validation_accuracy": recorder.run.epochs[-1]["validation_accuracy"],
            "author": getpass.getuser(),
            "duration_seconds": seconds,
            "epochs": recipe.epochs,
            "seed": seed,
            "recipe": recipe.name,
            "network": recipe.network,
            "parameters": networks.count_parameters(network),
            "data_fingerprint": dataset.fingerprint,
            "git_revision": _git_revision(),
            "corrections_used": [],
            "class_names": list(dataset.class_names),
            "run_id": recorder.run.run_id,
        },
    )
    if promote:
        model_store.promote(tag)
    result = {
        "model": tag,
        "accuracy": figures["accuracy"],
        "seconds": seconds,
        "epochs": recipe.epochs,
        **_compared_with(previous),
    }
    recorder.phase("done", state="succeeded", ended_at=runs.now(), progress=1.0, result=result)
    return result


def _compared_with(previous: str | None) -> dict[str, Any]:
    """The champion before this run and its accuracy, for a before and after."""
    accuracy = None
    if previous is not None:
        try:
            accuracy = model_store.describe(previous).metadata.get("accuracy")
        except model_store.ModelError:
            previous = None
    return {"previous_model": previous, "previous_accuracy": accuracy}


def _git_revision() -> str:
    """The commit that trained, or "" outside a checkout."""
    root = Path(__file__).parent
    command = ("git", "-C", str(root), "rev-parse", "HEAD")
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        return ""
    return answer.stdout.strip()


def _told(figures: dict[str, float]) -> str:
    return (
        f"epoch {figures['epoch']}: loss {figures['loss']:.4f}, "
        f"accuracy {figures['accuracy']:.2%}, on validation {figures['validation_accuracy']:.2%}"
    )


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a model, store it, make it the champion.")
    parser.add_argument("--recipe", choices=RECIPES, default=DEFAULT_RECIPE)
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-promote", action="store_true", help="keep the present champion")
    parser.add_argument("--run", metavar="RUN_ID", help=argparse.SUPPRESS)  # given by the trainer
    options = parser.parse_args(arguments)
    if options.epochs is not None and options.epochs < 1:
        parser.error("--epochs must be 1 or more.")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Train from the command line, as a recorded run."""
    options = _parse(arguments)
    recipe = RECIPES[options.recipe]
    recipe = replace(recipe, epochs=options.epochs or recipe.epochs)
    config = {"recipe": recipe.name, "epochs": recipe.epochs, "seed": options.seed}
    try:
        run = runs.read(options.run) if options.run else runs.create(config)[0]
    except runs.BusyError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if run is None:
        print(f"There is no run {options.run}.", file=sys.stderr)  # noqa: T201
        return 1
    if options.run:
        os.nice(_NICENESS)
    recorder = Recorder(run)
    try:
        result = train(recipe, options.seed, recorder, promote=not options.no_promote)
    except KeyboardInterrupt:
        runs.end(run.run_id, "cancelled", "Stopped from the keyboard.")
        return 130
    except (data.DataError, model_store.ModelError) as error:
        runs.end(run.run_id, "failed", str(error))
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except Exception as error:
        runs.end(run.run_id, "failed", f"{type(error).__name__}: {error}")
        raise
    print(json.dumps(result), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
