"""Train a network on Fashion-MNIST, store it as a new version, promote it if it is not worse.

    python -m training.train [--recipe standard] [--epochs 10] [--seed 0] [--corrections]
                             [--no-promote]
    python -m training.train --resume RUN_ID

The second form continues a cancelled or interrupted run after its last finished epoch, and ends
with the same weights as if the run had not been interrupted. The last line printed is one JSON
object: model (its tag), accuracy on the test set (0..1), seconds and epochs. Exit code 1, with an
error message, when the run fails.
"""

import argparse
import getpass
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from training import checkpoints, gate, hardware, recipes
from training.accuracy_estimation import fit_estimator
from training.calibration import calibrate, calibration_error
from training.data import fashion_mnist
from training.evaluation import confusion_matrix, evaluate, per_class_accuracy, predict
from training.familiarity_fitting import fit_familiarity
from training.feedback.split import CorrectionSplit, NoCorrections, split_corrections
from training.loop import blend_weights, fit
from training.model import baseline, networks
from training.model.accuracy_estimator import AccuracyEstimator
from training.model.familiarity import Familiarity
from training.model.networks import Network
from training.recipes import DEFAULT_RECIPE, RECIPES, Recipe
from training.run_recorder import RunRecorder
from training.store import corrections, files, promotions, runs, versions


def train(
    recipe: Recipe, seed: int, recorder: RunRecorder, *, promote: bool = True
) -> dict[str, Any]:
    """Run a training run from data to champion. Returns its result.

    `recipe` is complete, as recipes.resolve returns it. With `promote` the gate decides whether
    the version is promoted; without, it is only stored. Raises fashion_mnist.DataError,
    versions.ModelError, corrections.CorrectionError, NoCorrections or runs.ResumeError, with a
    message that says what to do.
    """
    began = time.monotonic()
    recorder.phase("loading data", state="running", started_at=runs.now(), pid=os.getpid())
    dataset = fashion_mnist.load()
    device = hardware.choose_device()
    torch.manual_seed(seed)
    start = versions.load(recorder.run.config["champion"]).network if recipe.from_champion else None
    network = _build_network(recipe, len(dataset.class_names), start).to(device)
    resumed = recorder.run.config.get("resume")
    checkpoint = checkpoints.take_over(resumed, recorder.run.run_id) if resumed else None

    recorder.phase("checking corrections")
    split = _load_corrections(recipe, dataset, recorder.run.config, checkpoint)

    recorder.phase("training", corrections=split.counts())
    fit(network, recipe, _on_device(dataset, device), seed, recorder, split, checkpoint)
    if start is not None:
        blend_weights(network, start, recipe.blend)

    recorder.finish_training("calibrating")
    validation, class_names = dataset.validation, dataset.class_names
    temperature = calibrate(network, validation)
    probabilities = predict(network, validation.images)
    estimator = fit_estimator(partial(predict, network), validation, len(class_names), seed)
    familiarity = fit_familiarity(network, dataset.train, validation, split.train)
    recorder.phase("testing")
    tested = _test(network, class_names)
    metadata = {
        **tested,
        **_origin(recipe, seed, recorder.run, dataset),
        "temperature": temperature,
        "baseline": baseline.measure(probabilities, validation.images, class_names),
        "duration_seconds": round(time.monotonic() - began, 2),
        "parameters": networks.count_parameters(network),
        "corrections_used": split.sample_ids,
    }

    recorder.phase("comparing", progress=0.97)
    trained = _Trained(network.cpu(), recipe, metadata, estimator, familiarity)
    tag, previous = _store(trained, dataset, split.held_out, recorder, promote=promote)
    result = {
        "model": tag,
        "accuracy": tested["accuracy"],
        "seconds": metadata["duration_seconds"],
        "epochs": recipe.epochs,
        **_previous_champion(previous),
    }
    recorder.phase("done", state="succeeded", ended_at=runs.now(), progress=1.0, result=result)
    checkpoints.discard(recorder.run.run_id)
    return result


def _build_network(recipe: Recipe, classes: int, start: Network | None) -> Network:
    """Build a recipe's network, with the weights of `start` if there is one."""
    network = networks.build(recipe.network, classes)
    if start is not None:
        network.load_state_dict(start.state_dict())
    return network


def _load_corrections(
    recipe: Recipe,
    dataset: fashion_mnist.FashionMNIST,
    config: dict[str, Any],
    checkpoint: checkpoints.Checkpoint | None,
) -> CorrectionSplit:
    """The checkpoint's corrections, or those of the store. Raises NoCorrections."""
    if checkpoint is not None:
        split = CorrectionSplit.from_state_dict(checkpoint.corrections)
    else:
        split = split_corrections(
            _load_champion(), dataset, for_training=config.get("corrections", False)
        )
    if recipe.from_champion and not split.sample_ids:
        raise NoCorrections(
            "There are no corrections to train on: all of them await review or are held out for "
            "evaluation. Correct a few more pictures on Classify."
        )
    return split


def _on_device(
    dataset: fashion_mnist.FashionMNIST, device: torch.device
) -> fashion_mnist.FashionMNIST:
    """The data set with its training pictures on the device."""
    train = dataset.train
    return replace(
        dataset, train=fashion_mnist.Split(train.images.to(device), train.labels.to(device))
    )


def _test(network: Network, class_names: tuple[str, ...]) -> dict[str, Any]:
    """The final metrics, on the test set, which is read for nothing else."""
    test = fashion_mnist.load_test()
    probabilities = predict(network, test.images)
    confusion = confusion_matrix(probabilities, test.labels)
    return {
        **evaluate(probabilities, test.labels),
        "calibration_error": calibration_error(probabilities, test.labels),
        "per_class_accuracy": per_class_accuracy(confusion, class_names),
        "confusion_matrix": confusion.tolist(),
    }


def _origin(
    recipe: Recipe, seed: int, run: runs.Run, dataset: fashion_mnist.FashionMNIST
) -> dict[str, Any]:
    """The provenance of a version, for its metadata."""
    return {
        "author": getpass.getuser(),
        "recipe": recipe.name,
        "network": recipe.network,
        "class_names": list(dataset.class_names),
        "epochs": recipe.epochs,
        "seed": seed,
        "learning_curves": run.epochs,
        "validation_accuracy": run.epochs[-1]["validation_accuracy"],
        "data_fingerprint": dataset.fingerprint,
        "git_revision": _git_revision(),
        "run_id": run.run_id,
    }


_LABELS = {"framework": "pytorch", "dataset": "fashion-mnist"}


@dataclass(frozen=True)
class _Trained:
    """A trained network with what is stored beside it."""

    network: Network
    recipe: Recipe
    metadata: dict[str, Any]
    estimator: AccuracyEstimator
    familiarity: Familiarity


def _store(
    trained: _Trained,
    dataset: fashion_mnist.FashionMNIST,
    held_out: fashion_mnist.Split,
    recorder: RunRecorder,
    *,
    promote: bool,
) -> tuple[str, str | None]:
    """Store a new version, and promote it if the gate lets it pass and `promote` is set.

    Returns its tag and that of the champion before it.
    """
    with versions.choosing_champion() as previous:
        decision = None
        if promote:
            decision = gate.evaluate(
                _load_champion(),
                trained.network,
                dataset.validation,
                held_out,
                dataset.class_names,
            )
        summary = decision.summary() if decision else None
        recorder.phase("saving", progress=0.98, gate=summary)
        tag = versions.save(
            trained.network,
            labels=_LABELS | {"recipe": trained.recipe.name},
            metadata={**trained.metadata, "gate": summary},
            accuracy_estimator=trained.estimator,
            familiarity=trained.familiarity,
            report=decision.report() if decision else None,
        )
        if decision is not None and decision.promoted:
            versions.promote(tag)
            promotions.record(tag, previous, promotions.GATE, actor=recorder.run.actor)
    return tag, previous


def _load_champion() -> versions.Model | None:
    """The champion, or None where there is none that can be loaded."""
    tag = versions.champion()
    try:
        return None if tag is None else versions.load(tag)
    except versions.ModelError:
        return None


def _previous_champion(previous: str | None) -> dict[str, Any]:
    """The tag and test accuracy of the champion before this run, for its result."""
    accuracy = None
    if previous is not None:
        try:
            accuracy = versions.describe(previous).metadata.get("accuracy")
        except versions.ModelError:
            previous = None
    return {"previous_model": previous, "previous_accuracy": accuracy}


def _git_revision() -> str:
    """The checked-out commit, or "" outside a checkout."""
    root = Path(__file__).parent
    command = ("git", "-C", str(root), "rev-parse", "HEAD")
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        return ""
    return answer.stdout.strip()


# --- The command line ----------------------------------------------------------------------------


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train a model, store it, and promote it if it is not worse than the champion."
    )
    parser.add_argument("--recipe", choices=RECIPES, default=DEFAULT_RECIPE)
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corrections", action="store_true", help="train on corrections too")
    parser.add_argument("--no-promote", action="store_true", help="keep the present champion")
    parser.add_argument(
        "--resume",
        metavar="RUN_ID",
        help="continue an interrupted run, with its settings, after its last finished epoch",
    )
    parser.add_argument("--run", metavar="RUN_ID", help=argparse.SUPPRESS)  # given by the trainer
    options = parser.parse_args(arguments)
    if options.epochs is not None and options.epochs < 1:
        parser.error("--epochs must be 1 or more.")
    return options


def _open_run(options: argparse.Namespace) -> runs.Run:
    """The run's record: the trainer's, or a new one.

    Raises BusyError, or ResumeError when there is no run or checkpoint to continue.
    """
    if options.run:
        run = runs.read(options.run)
        if run is None:
            raise runs.ResumeError(f"There is no run {options.run}.")
        return run
    if options.resume:
        return runs.create(runs.resumption(options.resume))[0]
    recipe = RECIPES[options.recipe]
    epochs = options.epochs or recipe.epochs
    config = runs.configuration(
        recipe.name,
        epochs,
        options.seed,
        corrections=options.corrections or recipe.from_champion,
        champion=versions.champion() if recipe.from_champion else None,
    )
    return runs.create(config)[0]


def _champion_network(run: runs.Run) -> str | None:
    """The name of the network that the run starts from, if it starts from one."""
    tag = run.config.get("champion")
    return None if tag is None else str(versions.describe(tag).metadata["network"])


def main(arguments: list[str] | None = None) -> int:
    """Train from the command line, as a recorded run."""
    options = _parse(arguments)
    try:
        run = _open_run(options)
    except (runs.BusyError, runs.ResumeError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if options.run:
        hardware.lower_priority()
    recorder = RunRecorder(run)
    try:
        recipe = recipes.resolve(run.config["recipe"], run.config["epochs"], _champion_network(run))
        result = train(recipe, run.config["seed"], recorder, promote=not options.no_promote)
    except KeyboardInterrupt:
        runs.end(run.run_id, "cancelled", "Stopped from the keyboard.")
        return 130
    except (
        fashion_mnist.DataError,
        versions.ModelError,
        corrections.CorrectionError,
        recipes.NoChampion,
        NoCorrections,
        runs.ResumeError,
        OSError,
    ) as error:
        print(files.error_sentence(error), file=sys.stderr)  # noqa: T201
        runs.end(run.run_id, "failed", files.error_sentence(error))
        return 1
    except Exception as error:
        runs.end(run.run_id, "failed", f"{type(error).__name__}: {error}")
        raise
    print(json.dumps(result), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
