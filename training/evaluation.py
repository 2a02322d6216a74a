"""Inference with a network, and the metrics of its predictions."""

import torch
from torch import nn

from training.model.preprocess import to_input

_BATCH_SIZE = 250
"""Pictures in a forward pass: convolutions are slower with more than the caches hold."""


@torch.inference_mode()
def infer(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Logits, float (N, classes), of pictures, uint8 (N, 28, 28); on the CPU, from any device."""
    network.eval()
    device = next(network.parameters()).device
    batches = images.split(_BATCH_SIZE)
    return torch.cat([network(to_input(batch.to(device))).cpu() for batch in batches])


def predict(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Probabilities, float (N, classes), of pictures, uint8 (N, 28, 28)."""
    return infer(network, images).softmax(dim=1)


@torch.inference_mode()
def extract_features(network: nn.Module, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the features of pictures, uint8 (N, 28, 28), and their probabilities, float (N, C).

    Features are the input of the last layer, float (N, F), scaled to length 1: pictures that are
    alike for the network lie close together.
    """
    features, logits = _features_and_logits(network, images)
    return nn.functional.normalize(features, dim=1), logits.softmax(dim=1)


@torch.inference_mode()
def raw_features(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return the input of the last layer, float (N, F), for pictures, uint8 (N, 28, 28)."""
    return _features_and_logits(network, images)[0]


def _features_and_logits(
    network: nn.Module, images: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """A mirrored network takes each picture twice, all of them as they are and then all mirrored:
    its features are the mean."""
    inputs_of_head: list[torch.Tensor] = []
    head: nn.Module = network.head  # type: ignore[assignment]
    hook = head.register_forward_pre_hook(lambda _, inputs: inputs_of_head.append(inputs[0]))
    features, logits = [], []
    try:
        network.eval()
        for batch in images.split(_BATCH_SIZE):
            inputs_of_head.clear()
            logits.append(network(to_input(batch)))
            features.append(torch.stack(inputs_of_head[0].split(len(batch))).mean(0))
    finally:
        hook.remove()
    return torch.cat(features), torch.cat(logits)


def evaluate(probabilities: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Mean cross-entropy and accuracy, 0..1, of predictions, float (N, classes)."""
    loss = nn.functional.nll_loss(probabilities.clamp_min(1e-12).log(), labels).item()
    correct = int((probabilities.argmax(1) == labels).sum())
    return {"loss": loss, "accuracy": correct / len(labels)}


def confusion_matrix(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Counts, int64 (classes, classes): a row per true class, a column per predicted class."""
    classes = probabilities.shape[1]
    pairs = labels * classes + probabilities.argmax(1)
    return pairs.bincount(minlength=classes**2).reshape(classes, classes)


def per_class_accuracy(confusion: torch.Tensor, names: tuple[str, ...]) -> dict[str, float]:
    """The accuracy, 0..1, on each class's pictures, by name. A class without pictures has none."""
    counts = confusion.sum(dim=1)
    shares = (confusion.diagonal() / counts).double().tolist()
    return {
        name: share
        for name, share, count in zip(names, shares, counts.tolist(), strict=True)
        if count
    }
