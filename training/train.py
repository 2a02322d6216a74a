"""Train a network on Fashion-MNIST, store it as a new version, serve it if it is not worse.

    python -m training.train [--recipe standard] [--epochs 10] [--seed 0] [--corrections]
                             [--no-promote]
    python -m training.train --resume RUN_ID

The second form goes on after the last finished epoch of a run that was cancelled or interrupted,
and ends with the same weights as if nothing had happened. The last line printed is one JSON
object: model (its tag), accuracy on the test set (0..1), seconds and epochs. Exit code 1, with a
sentence, when the run fails.
"""

import argparse
import getpass
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from training import checkpoints, gate, recipes
from training.calibration import calibration_error, fit_temperature
from training.data import fashion_mnist
from training.evaluation import confusion_matrix, evaluate, infer, per_class_accuracy, predict
from training.feedback import replay
from training.feedback.split import CorrectionSplit, NoCorrections, split_corrections
from training.model import baseline, networks
from training.model.accuracy_estimator import fit as fit_estimator
from training.model.preprocess import to_input
from training.optim.infobatch import select_samples
from training.optim.muon import Muon
from training.recipes import DEFAULT_RECIPE, RECIPES, Recipe
from training.store import corrections, promotions, runs, versions

_PROGRESS_SECONDS = 0.3
"""How often run.json tells the progress within an epoch."""

_TRAINING_SHARE = 0.95
"""Of a run's progress; the rest is testing and saving."""

_NICENESS = 10
"""Of a run that the trainer starts: serving on the same cores goes first."""

_SESSION_NICENESS = Path("/proc/self/autogroup")
"""Linux shares the cores out among sessions first: within its own, a process may be as nice as it
likes to nobody's benefit. Not every kernel does so."""

_WARM_UP_SHARE = 0.2
"""Of a one-cycle schedule's steps: chosen on the validation split."""

_MUON_MOMENTUM = 0.6

_BFLOAT16_CAPABILITY = (8, 0)
"""Of NVIDIA's GPUs, from which on they have it."""


class Recorder:
    """Tells a run's course: run.json for where it stands, events.jsonl for each step."""

    def __init__(self, run: runs.Run) -> None:
        self.run = run
        self._events = runs.EventLog(run.run_id)
        self._started = time.monotonic()
        self._done_before = 0.0
        self._told = 0.0

    def phase(self, name: str, **changes: Any) -> None:
        """Enter the next part of the run."""
        self._update(phase=name, durable=True, **changes)
        self._events.append({"type": "phase", "time": runs.now(), "phase": name})

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
        self._events.append(event)
        # Kept by the run, and written at once or with whatever is written next.
        self.run = replace(
            self.run,
            progress=progress,
            eta_seconds=self._eta(progress),
            loss=loss,
            accuracy=accuracy,
        )
        if time.monotonic() - self._told > _PROGRESS_SECONDS:
            self._update()

    def epoch(self, figures: dict[str, float]) -> None:
        """The end of an epoch: loss and accuracy on training and on validation pictures."""
        self._update(epochs=[*self.run.epochs, figures])
        self._events.append({"type": "epoch", "time": runs.now(), **figures})

    def training_begins(self, epochs: list[dict[str, float]], progress: float) -> None:
        """The ETA counts from here: loading is not a part of it, nor what a resumed run had done.

        `epochs` are the figures of that, `progress` 0..1 of training is how far it had come.
        """
        self._started, self._done_before = time.monotonic(), progress * _TRAINING_SHARE
        self._update(epochs=epochs)

    def _eta(self, progress: float) -> float:
        seconds = time.monotonic() - self._started
        return round(seconds * (1 - progress) / (progress - self._done_before), 1)

    def _update(self, *, durable: bool = False, **changes: Any) -> None:
        self.run = replace(self.run, **changes)
        runs.write(self.run, durable=durable)
        self._told = time.monotonic()


def fit(
    network: nn.Module,
    recipe: Recipe,
    dataset: fashion_mnist.FashionMNIST,
    seed: int,
    recorder: Recorder,
    lessons: CorrectionSplit,
    checkpoint: checkpoints.Checkpoint | None = None,
) -> None:
    """Train in place. The whole data set is one tensor: a batch is one indexing operation.

    After each epoch the run's folder holds a checkpoint; from a given one training goes on.
    """
    train = dataset.train
    order = torch.Generator().manual_seed(seed)
    epoch_size = replay.size(train, lessons.taught, recipe)
    steps_per_epoch = -(-epoch_size // recipe.batch_size)
    losses = torch.zeros(epoch_size, device=train.labels.device)
    optimizers = _optimizers(network, recipe)
    stateful: list[Any] = [network, *optimizers]
    figures: list[dict[str, float]] = []
    if checkpoint is not None:
        figures = checkpoint.epochs
        order.set_state(checkpoint.order.cpu())
        losses.copy_(checkpoint.losses)
        for part, state in zip(stateful, checkpoint.states, strict=True):
            part.load_state_dict(state)
    done = len(figures)
    recorder.training_begins(figures, done / recipe.epochs)
    with tqdm(
        total=recipe.epochs * steps_per_epoch,
        initial=done * steps_per_epoch,
        unit="step",
        desc="training",
        mininterval=0.5,
    ) as bar:
        for epoch in range(done + 1, recipe.epochs + 1):
            network.train()
            shown = replay.epoch(train, lessons.taught, recipe, order)
            is_short = 1 < epoch < recipe.epochs
            shuffled, counts = select_samples(losses, recipe.skipped if is_short else 0.0, order)
            batches = shuffled.split(recipe.batch_size)
            loss_sum, hits, seen = 0.0, 0.0, 0.0
            for step, batch in enumerate(batches, start=1):
                if recipe.one_cycle:
                    begun = epoch - 1 + (step - 1) / len(batches)
                    _set_rates(optimizers, _one_cycle(begun / recipe.epochs))
                each, is_right = _learn(
                    network,
                    optimizers,
                    recipe,
                    shown.images[batch],
                    shown.labels[batch],
                    counts[batch],
                )
                losses[batch] = each
                loss, correct, size = _sums(each, is_right, counts[batch])
                loss_sum, hits, seen = loss_sum + loss, hits + correct, seen + size
                bar.update()
                progress = (epoch - 1 + step / len(batches)) / recipe.epochs
                recorder.step(epoch, step, loss / size, correct / size, progress)
            bar.update(epoch * steps_per_epoch - bar.n)  # an epoch may have been shorter
            validation = dataset.validation
            held_out = evaluate(predict(network, validation.images), validation.labels)
            figures = [
                *figures,
                {
                    "epoch": epoch,
                    "loss": loss_sum / seen,
                    "accuracy": hits / seen,
                    "validation_loss": held_out["loss"],
                    "validation_accuracy": held_out["accuracy"],
                },
            ]
            states = [part.state_dict() for part in stateful]
            checkpoints.save(
                recorder.run.run_id,
                checkpoints.Checkpoint(
                    figures, order.get_state(), losses, states, lessons.as_state()
                ),
            )
            recorder.epoch(figures[-1])
            bar.write(_told(figures[-1]))


def _learn(
    network: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    recipe: Recipe,
    images: torch.Tensor,
    labels: torch.Tensor,
    counts: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step on pictures, uint8 (N, 28, 28), of which each counts as much as `counts` says.

    Returns each one's loss before the step, float (N,), and whether it was named right.
    """
    device = images.device.type
    with torch.autocast(device, torch.bfloat16, enabled=_has_bfloat16(device)):
        logits = network(to_input(images))
    losses = cross_entropy(
        logits.float(), labels, label_smoothing=recipe.label_smoothing, reduction="none"
    )
    network.zero_grad()
    (losses * counts).mean().backward()
    for optimizer in optimizers:
        optimizer.step()
    return losses.detach(), logits.argmax(1) == labels


def _sums(
    losses: torch.Tensor, is_right: torch.Tensor, counts: torch.Tensor
) -> tuple[float, float, float]:
    """Loss, hits and size of a batch whose pictures count differently; each is float (N,)."""
    loss, hits, size = torch.stack([losses, is_right, torch.ones_like(losses)]).mv(counts).tolist()
    return loss, hits, size


def _optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """SGD, and Muon for what it is made for, if the recipe says so. Biases do not decay."""
    with_muon: list[nn.Parameter] = []
    if recipe.muon_learning_rate > 0:
        # The first convolution sees one channel: as a matrix it is too flat to orthogonalise.
        with_muon = [it for it in network.parameters() if it.ndim == 4 and it.shape[1] > 1]
    chosen = {id(parameter) for parameter in with_muon}
    others = [it for it in network.parameters() if id(it) not in chosen]
    groups: list[dict[str, Any]] = [
        {"params": [it for it in others if it.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [it for it in others if it.ndim == 1]},
    ]
    sgd = torch.optim.SGD(
        groups,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
        fused=True,
    )
    if not with_muon:
        return [sgd]
    return [sgd, Muon(with_muon, recipe.muon_learning_rate, _MUON_MOMENTUM)]


def _set_rates(optimizers: list[torch.optim.Optimizer], share: float) -> None:
    """Let every learning rate be a share of what it was at first."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group.setdefault("peak", group["lr"])
            group["lr"] = group["peak"] * share


def _one_cycle(progress: float) -> float:
    """The learning rate's share of its peak: a straight line up, and a longer one down to 0."""
    return min(progress / _WARM_UP_SHARE, (1 - progress) / (1 - _WARM_UP_SHARE))


def calibrate(network: nn.Module, validation: fashion_mnist.Split) -> float:
    """Fit the temperature on `validation` and divide it into the head. Returns it.

    So a stored version's probabilities are calibrated without a step of their own in serving.
    """
    temperature = fit_temperature(infer(network, validation.images).clone(), validation.labels)
    head: nn.Linear = network.head  # type: ignore[assignment]
    with torch.no_grad():
        head.weight.div_(temperature)
        head.bias.div_(temperature)
    return temperature


def train(recipe: Recipe, seed: int, recorder: Recorder, *, promote: bool = True) -> dict[str, Any]:
    """The whole of a run, from data to champion. Returns its result.

    `recipe` is whole, as recipes.of makes it. With `promote` the gate decides whether the version
    is served; without, it is stored and nothing else. Raises data.DataError,
    model_store.ModelError, corrections.CorrectionError, NothingToLearn or runs.ResumeError, with a
    sentence that says what to do.
    """
    began = time.monotonic()
    config = recorder.run.config
    recorder.phase("loading data", state="running", started_at=runs.now(), pid=os.getpid())
    dataset = fashion_mnist.load()
    device = _device()
    torch.manual_seed(seed)
    network = networks.build(recipe.network, len(dataset.class_names)).to(device)
    start = versions.load(config["champion"]).network if recipe.from_champion else None
    if start is not None:
        network.load_state_dict(start.state_dict())
    resumed = config.get("resume")
    checkpoint = checkpoints.take_over(resumed, recorder.run.run_id) if resumed else None

    recorder.phase("looking at corrections")
    if checkpoint is not None:
        lessons = CorrectionSplit.of_state(checkpoint.lessons)
    else:
        lessons = split_corrections(
            _champion(), dataset, is_learning=config.get("corrections", False)
        )
    if recipe.from_champion and not lessons.names:
        raise NoCorrections(
            "There is no correction to learn from: those there are wait for a person, or are held "
            "out to measure with. Say on Classify what a few more pictures show."
        )

    recorder.phase("training", corrections=lessons.counts())
    on_device = replace(
        dataset,
        train=fashion_mnist.Split(dataset.train.images.to(device), dataset.train.labels.to(device)),
    )
    fit(network, recipe, on_device, seed, recorder, lessons, checkpoint)
    if start is not None:
        _blend(network, start, recipe.blend)
    temperature = calibrate(network, dataset.validation)
    known = dataset.validation
    at_first = baseline.measure(predict(network, known.images), known.images, dataset.class_names)
    estimator = fit_estimator(partial(predict, network), known, len(dataset.class_names), seed)
    network.cpu()

    recorder.phase("testing", progress=_TRAINING_SHARE, eta_seconds=None)
    tested = _test(network, dataset.class_names)
    seconds = round(time.monotonic() - began, 2)

    recorder.phase("comparing", progress=0.97)
    with versions.choosing_champion() as previous:
        verdict = None
        if promote:
            verdict = gate.evaluate(
                _champion(), network, known, lessons.held_out, dataset.class_names
            )
        found = verdict.summary() if verdict else None
        recorder.phase("saving", progress=0.98, gate=found)
        tag = versions.save(
            network,
            labels={"framework": "pytorch", "dataset": "fashion-mnist", "recipe": recipe.name},
            metadata={
                **tested,
                **_origin(recipe, seed, recorder.run, dataset),
                "temperature": temperature,
                "baseline": at_first,
                "duration_seconds": seconds,
                "parameters": networks.count_parameters(network),
                "corrections_used": lessons.names,
                "gate": found,
            },
            accuracy_estimator=estimator,
            report=verdict.report() if verdict else None,
        )
        if verdict is not None and verdict.promoted:
            versions.promote(tag)
            promotions.record(tag, previous, promotions.GATE)
    result = {
        "model": tag,
        "accuracy": tested["accuracy"],
        "seconds": seconds,
        "epochs": recipe.epochs,
        **_compared_with(previous),
    }
    recorder.phase("done", state="succeeded", ended_at=runs.now(), progress=1.0, result=result)
    checkpoints.discard(recorder.run.run_id)
    return result


def _test(network: nn.Module, class_names: tuple[str, ...]) -> dict[str, Any]:
    """The final figures, on the test set, which is read for nothing else."""
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
    """What a version is made of and by whom, for its metadata."""
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


@torch.no_grad()
def _blend(network: nn.Module, start: nn.Module, share: float) -> None:
    """Leave `share` of what was learned since `start` in the weights of `network`."""
    before = start.state_dict()
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            value.mul_(share).add_(before[name].to(value.device), alpha=1 - share)


def _champion() -> versions.Model | None:
    """The version that is served, or None where there is none that can be loaded."""
    tag = versions.champion()
    try:
        return None if tag is None else versions.load(tag)
    except versions.ModelError:
        return None


def _let_serving_go_first() -> None:
    os.nice(_NICENESS)
    if _SESSION_NICENESS.exists():
        _SESSION_NICENESS.write_text(str(_NICENESS), encoding="utf-8")


def _device() -> torch.device:
    """The fastest that there is: NVIDIA's, Apple's, or the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@cache
def _has_bfloat16(device: str) -> bool:
    """Whether the device multiplies 16-bit floats faster than 32-bit ones."""
    if device == "cuda":
        return torch.cuda.get_device_capability() >= _BFLOAT16_CAPABILITY
    capabilities = torch.cpu.get_capabilities() if device == "cpu" else {}
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


def _compared_with(previous: str | None) -> dict[str, Any]:
    """The champion before this run and its accuracy, for a before and after."""
    accuracy = None
    if previous is not None:
        try:
            accuracy = versions.describe(previous).metadata.get("accuracy")
        except versions.ModelError:
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
    parser.add_argument(
        "--corrections", action="store_true", help="learn from what people corrected too"
    )
    parser.add_argument("--no-promote", action="store_true", help="keep the present champion")
    parser.add_argument(
        "--resume", metavar="RUN_ID", help="go on with a run as it was begun, after its last epoch"
    )
    parser.add_argument("--run", metavar="RUN_ID", help=argparse.SUPPRESS)  # given by the trainer
    options = parser.parse_args(arguments)
    if options.epochs is not None and options.epochs < 1:
        parser.error("--epochs must be 1 or more.")
    return options


def _begin(options: argparse.Namespace) -> runs.Run:
    """The run's record: the trainer's, or a new one.

    Raises BusyError, or ResumeError when there is no run or checkpoint to go on from.
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


def _network_to_start_from(run: runs.Run) -> str | None:
    tag = run.config.get("champion")
    return None if tag is None else str(versions.describe(tag).metadata["network"])


def main(arguments: list[str] | None = None) -> int:
    """Train from the command line, as a recorded run."""
    options = _parse(arguments)
    try:
        run = _begin(options)
    except (runs.BusyError, runs.ResumeError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if options.run:
        _let_serving_go_first()
    recorder = Recorder(run)
    try:
        recipe = recipes.of(run.config["recipe"], run.config["epochs"], _network_to_start_from(run))
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
    ) as error:
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
