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
import copy
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

from training import checkpoints, hardware, publication, recipes
from training.calibration import calibration_bins, calibration_error
from training.data import fashion_mnist
from training.description.describe import describe
from training.description.serving_cost import measure_serving_cost
from training.evaluation import confusion_matrix, evaluate, per_class_accuracy, predict
from training.feedback import run_data, starting_network
from training.feedback.run_classes import MIN_CLASSES, not_enough_classes
from training.feedback.split import CorrectionSplit, NoCorrections, split_corrections
from training.loop import blend_weights, fit
from training.model import networks
from training.model.networks import Network
from training.recipes import DEFAULT_RECIPE, RECIPES, Recipe
from training.run_recorder import RunRecorder
from training.store import corrections, files, runs, versions


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
    config = recorder.run.config
    start = versions.load(config["champion"]) if recipe.from_champion else None
    originals = run_data.load(recipe, start)
    resumed = config.get("resume")
    checkpoint = checkpoints.take_over(resumed, recorder.run.run_id) if resumed else None

    recorder.phase("checking corrections")
    split = _load_corrections(recipe, originals, config, checkpoint)
    dataset = run_data.with_validation(originals, split)
    if split.classes.learned:
        recipe = recipes.with_own_classes(recipe)

    recorder.phase("training", corrections=split.summary(), classes=split.classes_summary())
    network = _fit_network(recipe, start, dataset, split, seed, recorder, checkpoint)

    recorder.finish_training("calibrating")
    described = describe(network, dataset, split, seed)
    network.cpu()
    recorder.phase("testing")
    tested = _test(network, dataset, split)
    metadata = {
        **tested,
        **_origin(recipe, seed, recorder.run, dataset, split),
        "temperature": described.temperature,
        "baseline": described.baseline,
        "duration_seconds": round(time.monotonic() - began, 2),
        "parameters": networks.count_parameters(network),
        "serving_seconds": measure_serving_cost(network),
    }

    recorder.phase("comparing", progress=0.97)
    trained = publication.Trained(network, recipe, metadata, described)
    tag, previous = publication.store(trained, dataset, split, recorder, promote=promote)
    result = {
        "model": tag,
        "accuracy": tested["accuracy"],
        "seconds": metadata["duration_seconds"],
        "epochs": recipe.epochs,
        **publication.previous_champion(previous),
    }
    recorder.phase("done", state="succeeded", ended_at=runs.now(), progress=1.0, result=result)
    checkpoints.discard(recorder.run.run_id)
    return result


def _fit_network(
    recipe: Recipe,
    start: versions.Model | None,
    dataset: fashion_mnist.FashionMNIST,
    split: CorrectionSplit,
    seed: int,
    recorder: RunRecorder,
    checkpoint: checkpoints.Checkpoint | None,
) -> Network:
    """Train a network, from the weights of `start` if there is one, and blend it with these."""
    device = hardware.choose_device()
    torch.manual_seed(seed)
    names = split.classes.names
    network = starting_network.build(recipe, names, start, (split.train, dataset.train)).to(device)
    before = copy.deepcopy(network.state_dict())
    fit(network, recipe, _on_device(dataset, device), seed, recorder, split, checkpoint)
    if start is not None:
        blend_weights(network, before, recipe.blend, starting_network.new_rows(names, start))
    return network


def _load_corrections(
    recipe: Recipe,
    dataset: fashion_mnist.FashionMNIST,
    config: dict[str, Any],
    checkpoint: checkpoints.Checkpoint | None,
) -> CorrectionSplit:
    """The checkpoint's corrections, or those of the store. Raises NoCorrections or ResumeError."""
    if checkpoint is not None:
        try:
            return CorrectionSplit.from_state_dict(checkpoint.corrections)
        except KeyError as error:
            message = (
                "That run is one of an earlier release, and cannot be resumed. Start a new run."
            )
            raise runs.ResumeError(message) from error
    for_training = recipe.needs_corrections or config.get("corrections", False)
    split = split_corrections(publication.load_champion(), dataset, for_training=for_training)
    if not dataset.class_names and len(split.classes.names) < MIN_CLASSES:
        raise NoCorrections(not_enough_classes(split.classes))
    if recipe.needs_corrections and not split.sample_ids:
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


def _test(
    network: Network, dataset: fashion_mnist.FashionMNIST, split: CorrectionSplit
) -> dict[str, Any]:
    """The final metrics, on the test set, which is read for nothing else.

    Classes that it does not show appear in the figures by class, by their held-out corrections.
    """
    test, others = run_data.load_test(dataset, split)
    pictures = run_data.concatenate(test, others)
    probabilities = predict(network, pictures.images)
    confusion = confusion_matrix(probabilities, pictures.labels)
    count = len(test.labels)
    return {
        **evaluate(probabilities[:count], test.labels),
        "calibration_error": calibration_error(probabilities[:count], test.labels),
        "calibration_bins": calibration_bins(probabilities[:count], test.labels),
        "test_pictures": count,
        "per_class_accuracy": per_class_accuracy(confusion, split.classes.names),
        "confusion_matrix": confusion.tolist(),
    }


def _origin(
    recipe: Recipe,
    seed: int,
    run: runs.Run,
    dataset: fashion_mnist.FashionMNIST,
    split: CorrectionSplit,
) -> dict[str, Any]:
    """The provenance of a version, for its metadata."""
    return {
        "author": getpass.getuser(),
        "recipe": recipe.name,
        "network": recipe.network,
        "dataset": run_data.name(dataset),
        "class_names": list(split.classes.names),
        "epochs": recipe.epochs,
        "seed": seed,
        "learning_curves": run.epochs,
        "validation_accuracy": run.epochs[-1]["validation_accuracy"],
        "data_fingerprint": dataset.fingerprint,
        "corrections_used": split.sample_ids,
        "git_revision": _git_revision(),
        "run_id": run.run_id,
    }


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
        corrections=options.corrections or recipe.needs_corrections,
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
        hardware.lower_priority(background=run.background)
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
