"""Inference with a network, and the metrics of its predictions."""

import torch
from torch import nn

from training.model.networks import Network
from training.model.preprocess import to_input

_BATCH_SIZE = 250
"""Pictures in a forward pass: convolutions are slower with more than the caches hold."""


@torch.inference_mode()
def infer_with_features(
    network: Network, images: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Features, float (N, F), and logits, float (N, classes), of pictures, uint8 (N, 28, 28).

    On the CPU, from any device. Features are the input of the head.
    """
    network.eval()
    device = next(network.parameters()).device
    features, logits = [], []
    for batch in images.split(_BATCH_SIZE):
        found = network.features_and_logits(to_input(batch.to(device)))
        features.append(found[0].cpu())
        logits.append(found[1].cpu())
    return torch.cat(features), torch.cat(logits)


def infer(network: Network, images: torch.Tensor) -> torch.Tensor:
    """Logits, float (N, classes), of pictures, uint8 (N, 28, 28); on the CPU, from any device."""
    return infer_with_features(network, images)[1]


def predict(network: Network, images: torch.Tensor) -> torch.Tensor:
    """Probabilities, float (N, classes), of pictures, uint8 (N, 28, 28)."""
    return infer(network, images).softmax(dim=1)


def extract_features(network: Network, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the features of pictures, uint8 (N, 28, 28), and their probabilities, float (N, C).

    Features, float (N, F), are scaled to length 1: pictures that are alike for the network lie
    close together.
    """
    features, logits = infer_with_features(network, images)
    return nn.functional.normalize(features, dim=1), logits.softmax(dim=1)


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
