"""What a network makes of pictures, and how good that is."""

import torch
from torch import nn

from training.model.preprocess import to_input

_AT_ONCE = 250
"""Pictures that are seen to together: convolutions are slower with more than the caches hold."""


@torch.inference_mode()
def infer(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Logits, float (N, classes), of pictures, uint8 (N, 28, 28); on the CPU, from any device."""
    network.eval()
    device = next(network.parameters()).device
    batches = images.split(_AT_ONCE)
    return torch.cat([network(to_input(batch.to(device))).cpu() for batch in batches])


def predict(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Probabilities, float (N, classes), of pictures, uint8 (N, 28, 28)."""
    return infer(network, images).softmax(dim=1)


@torch.inference_mode()
def look(network: nn.Module, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the last layer sees of pictures, uint8 (N, 28, 28), and their probabilities, (N, C).

    The first are features, float (N, F), each of length 1: pictures that the network takes for
    alike lie close together there. A mirrored network sees each picture twice, all of them one
    way and then all the other: its features are the mean.
    """
    seen: list[torch.Tensor] = []
    head: nn.Module = network.head  # type: ignore[assignment]
    watch = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    features, logits = [], []
    try:
        network.eval()
        for batch in images.split(_AT_ONCE):
            seen.clear()
            logits.append(network(to_input(batch)))
            features.append(torch.stack(seen[0].split(len(batch))).mean(0))
    finally:
        watch.remove()
    return nn.functional.normalize(torch.cat(features), dim=1), torch.cat(logits).softmax(dim=1)


def evaluate(probabilities: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Mean cross-entropy and accuracy, 0..1, of predictions, float (N, classes)."""
    loss = nn.functional.nll_loss(probabilities.clamp_min(1e-12).log(), labels).item()
    hits = int((probabilities.argmax(1) == labels).sum())
    return {"loss": loss, "accuracy": hits / len(labels)}


def confusion_matrix(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """How often each class (a row) was given each answer (a column), int64 (classes, classes)."""
    classes = probabilities.shape[1]
    pairs = labels * classes + probabilities.argmax(1)
    return pairs.bincount(minlength=classes**2).reshape(classes, classes)


def per_class_accuracy(confusion: torch.Tensor, names: tuple[str, ...]) -> dict[str, float]:
    """The share of each class's pictures that is named right, 0..1, by class name."""
    shares = confusion.diagonal() / confusion.sum(dim=1)
    return dict(zip(names, shares.double().tolist(), strict=True))
