"""The training loop: epochs and optimizer steps, with a checkpoint after each epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from training import checkpoints, hardware
from training.data import fashion_mnist
from training.evaluation import evaluate, predict
from training.feedback import replay
from training.feedback.split import CorrectionSplit
from training.model.networks import Network
from training.model.preprocess import to_input
from training.optim.infobatch import select_samples
from training.optim.optimizers import build_optimizers, one_cycle, scale_learning_rates
from training.recipes import Recipe
from training.run_recorder import RunRecorder


def fit(
    network: Network,
    recipe: Recipe,
    dataset: fashion_mnist.FashionMNIST,
    seed: int,
    recorder: RunRecorder,
    corrections: CorrectionSplit,
    checkpoint: checkpoints.Checkpoint | None = None,
) -> None:
    """Train `network` in place, on the device of `dataset.train`.

    Writes a checkpoint to the run's folder after each epoch. With `checkpoint`, training continues
    after its last epoch and ends with the same weights as a run that was not interrupted.
    """
    loop = _Loop(network, recipe, dataset.train, corrections, recorder, seed)
    if checkpoint is not None:
        loop.restore(checkpoint)
    first = len(loop.epochs) + 1
    recorder.start_training(loop.epochs, recipe.epochs)
    with tqdm(
        total=recipe.epochs * loop.steps_per_epoch,
        initial=len(loop.epochs) * loop.steps_per_epoch,
        unit="step",
        desc="training",
        mininterval=0.5,
    ) as bar:
        for epoch in range(first, recipe.epochs + 1):
            loss, accuracy = loop.run_epoch(epoch, bar)
            bar.update(epoch * loop.steps_per_epoch - bar.n)  # an epoch may have been shorter
            validation = dataset.validation
            held_out = evaluate(predict(network, validation.images), validation.labels)
            metrics = {
                "epoch": epoch,
                "loss": loss,
                "accuracy": accuracy,
                "validation_loss": held_out["loss"],
                "validation_accuracy": held_out["accuracy"],
            }
            loop.epochs = [*loop.epochs, metrics]
            checkpoints.save(recorder.run.run_id, loop.checkpoint())
            recorder.epoch(metrics)
            bar.write(_message(metrics))


@torch.no_grad()
def blend_weights(
    network: Network, before: dict[str, torch.Tensor], share: float, new_rows: Sequence[int] = ()
) -> None:
    """Interpolate `network`'s weights, in place, between `before` (share 0) and its own (1).

    The head's `new_rows` stay as they are: they have no weights from before.
    """
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            kept = value[list(new_rows)].clone() if name.startswith("head.") else None
            value.mul_(share).add_(before[name].to(value.device), alpha=1 - share)
            if kept is not None:
                value[list(new_rows)] = kept


@dataclass
class _Loop:
    """The state of training between two epochs.

    All training pictures are one tensor, so that a batch is one indexing operation. `losses`,
    float (pictures in an epoch,), are those of each picture when it was last trained on.
    """

    network: Network
    recipe: Recipe
    train: fashion_mnist.Split
    corrections: CorrectionSplit
    recorder: RunRecorder
    seed: int
    epochs: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)
        epoch_size = replay.size(
            self.train, self.corrections.train, self.recipe, self.corrections.classes.originals
        )
        self.steps_per_epoch = -(-epoch_size // self.recipe.batch_size)
        self.losses = torch.zeros(epoch_size, device=self.train.labels.device)
        self.optimizers = build_optimizers(self.network, self.recipe)

    @property
    def _stateful(self) -> list[Any]:
        """Whatever has a state_dict, in the order of the checkpoint."""
        return [self.network, *self.optimizers]

    def restore(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Continue after the checkpoint's last epoch."""
        self.epochs = checkpoint.epochs
        self.generator.set_state(checkpoint.generator_state.cpu())
        self.losses.copy_(checkpoint.losses)
        for part, state in zip(self._stateful, checkpoint.states, strict=True):
            part.load_state_dict(state)

    def checkpoint(self) -> checkpoints.Checkpoint:
        """The present state."""
        return checkpoints.Checkpoint(
            epochs=self.epochs,
            generator_state=self.generator.get_state(),
            losses=self.losses,
            states=[part.state_dict() for part in self._stateful],
            corrections=self.corrections.state_dict(),
        )

    def run_epoch(self, epoch: int, bar: "tqdm[Any]") -> tuple[float, float]:
        """Train on one epoch, counted from 1. Returns its mean loss and accuracy, 0..1."""
        recipe = self.recipe
        self.network.train()
        corrections = self.corrections
        samples = replay.epoch(
            self.train, corrections.train, recipe, self.generator, corrections.classes.originals
        )
        may_skip = 1 < epoch < recipe.epochs
        selected, sample_weights = select_samples(
            self.losses, recipe.skipped if may_skip else 0.0, self.generator
        )
        batches = selected.split(recipe.batch_size)
        loss_sum, correct_sum, weight_sum = 0.0, 0.0, 0.0
        for step, batch in enumerate(batches, start=1):
            if recipe.one_cycle:
                epochs_done = epoch - 1 + (step - 1) / len(batches)
                scale_learning_rates(self.optimizers, one_cycle(epochs_done / recipe.epochs))
            weights = sample_weights[batch]
            losses, is_correct = self._step(samples.images[batch], samples.labels[batch], weights)
            self.losses[batch] = losses
            loss, correct, weight = _weighted_sums(losses, is_correct, weights)
            loss_sum, correct_sum = loss_sum + loss, correct_sum + correct
            weight_sum += weight
            bar.update()
            progress = (epoch - 1 + step / len(batches)) / recipe.epochs
            self.recorder.step(epoch, step, loss / weight, correct / weight, progress)
        return loss_sum / weight_sum, correct_sum / weight_sum

    def _step(
        self, images: torch.Tensor, labels: torch.Tensor, sample_weights: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take one optimizer step on pictures, uint8 (N, 28, 28), with weights, float (N,).

        Returns each picture's loss before the step, float (N,), and whether its prediction was
        correct, bool (N,).
        """
        device = images.device.type
        with torch.autocast(device, torch.bfloat16, enabled=hardware.has_bfloat16(device)):
            logits = self.network(to_input(images))
        losses = cross_entropy(
            logits.float(), labels, label_smoothing=self.recipe.label_smoothing, reduction="none"
        )
        self.network.zero_grad()
        (losses * sample_weights).mean().backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return losses.detach(), logits.argmax(1) == labels


def _weighted_sums(
    losses: torch.Tensor, is_correct: torch.Tensor, weights: torch.Tensor
) -> tuple[float, float, float]:
    """Weighted sums over a batch of loss, correct predictions and 1; each tensor is (N,)."""
    rows = torch.stack([losses, is_correct, torch.ones_like(losses)])
    loss, correct, weight = rows.mv(weights).tolist()
    return loss, correct, weight


def _message(metrics: dict[str, float]) -> str:
    return (
        f"epoch {metrics['epoch']}: loss {metrics['loss']:.4f}, "
        f"accuracy {metrics['accuracy']:.2%}, "
        f"validation accuracy {metrics['validation_accuracy']:.2%}"
    )
