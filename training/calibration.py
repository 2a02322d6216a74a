"""Calibration of confidence: its error, and the temperature that corrects it.

Guo et al., On Calibration of Modern Neural Networks (arXiv:1706.04599).
"""

import torch
from torch.nn.functional import cross_entropy

from training.data.fashion_mnist import Split
from training.evaluation import infer
from training.model.networks import Network

_BINS = 15
_ITERATIONS = 50


def calibrate(network: Network, validation: Split) -> float:
    """Fit a temperature on `validation` and divide the head's weights by it. Returns it.

    So the probabilities of a stored version are calibrated without an extra step in serving.
    """
    temperature = fit_temperature(infer(network, validation.images).clone(), validation.labels)
    with torch.no_grad():
        network.head.weight.div_(temperature)
        network.head.bias.div_(temperature)
    return temperature


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the temperature, above 0, that minimises the cross-entropy of logits divided by it.

    `logits` are float (N, classes), `labels` int64 (N,), of pictures that the network was not
    trained on.
    """
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [log_temperature], max_iter=_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(logits.double() / log_temperature.exp(), labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return log_temperature.exp().item()


def calibration_error(probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """Expected calibration error, 0..1: the mean distance between confidence and accuracy.

    `probabilities` are float (N, classes), `labels` int64 (N,). The confidence is
    the highest probability; there are 15 bins of equal width, each weighted by its pictures.
    """
    gaps = [
        it["pictures"] * abs(it["accuracy"] - it["confidence"])
        for it in calibration_bins(probabilities, labels)
    ]
    return sum(gaps) / len(labels)


def calibration_bins(probabilities: torch.Tensor, labels: torch.Tensor) -> list[dict[str, float]]:
    """The 15 bins of the calibration error, from the least to the most confident.

    Each has `pictures`, how many, and their mean `confidence` and `accuracy`, 0..1. Bins without
    pictures are left out.
    """
    confidence, answer = probabilities.max(dim=1)
    which = (confidence * _BINS).long().clamp_max(_BINS - 1)
    counts = which.bincount(minlength=_BINS)
    sums = torch.zeros(2, _BINS, dtype=torch.float64)
    sums[0].index_add_(0, which, confidence.double())
    sums[1].index_add_(0, which, (answer == labels).double())
    return [
        {"pictures": count, "confidence": sure / count, "accuracy": right / count}
        for count, sure, right in zip(counts.tolist(), *sums.tolist(), strict=True)
        if count
    ]
