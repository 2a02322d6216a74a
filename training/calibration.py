"""How far a confidence can be believed, and the temperature that mends it.

Guo et al., On Calibration of Modern Neural Networks (arXiv:1706.04599).
"""

import torch
from torch.nn.functional import cross_entropy

_BINS = 15
_ITERATIONS = 50


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The number, above 0, that logits are divided by to make their cross-entropy least.

    Float (N, classes) and int64 (N,): of pictures that the network was not trained on.
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
    """Expected calibration error, 0..1: how far confidence and accuracy lie apart on average.

    Float (N, classes) and int64 (N,). The confidence is the highest probability; 15 bins of
    equal width, each weighted by its pictures.
    """
    confidence, answer = probabilities.max(dim=1)
    gap = (answer == labels).double() - confidence.double()
    which = (confidence * _BINS).long().clamp_max(_BINS - 1)
    sums = torch.zeros(_BINS, dtype=torch.float64).index_add_(0, which, gap)
    return sums.abs().sum().item() / len(labels)
