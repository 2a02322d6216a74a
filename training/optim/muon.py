"""Muon, an optimizer for the weights of convolutions: fewer epochs than SGD to the same accuracy.

Keller Jordan, 2024: momentum whose matrix is made orthogonal by a Newton-Schulz iteration.
torch.optim.Muon takes matrices only; this one treats a convolution's weights as a matrix, a row an
output channel, and keeps their norm constant, which batch norm makes irrelevant to the answer.
"""

from collections.abc import Iterable
from typing import Any

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that drives singular values towards 1 in few steps: Jordan's."""

_ITERATIONS = 3
_SMALLEST_NORM = 1e-7


class Muon(torch.optim.Optimizer):
    """For tensors of two or more dimensions; `momentum` is Nesterov's."""

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], lr: float, momentum: float
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change each parameter that has a gradient."""
        del closure
        for group in self.param_groups:
            for weights in group["params"]:
                gradient = weights.grad
                state = self.state[weights]
                if not state:
                    state["momentum"] = torch.zeros_like(gradient)
                velocity = state["momentum"].mul_(group["momentum"]).add_(gradient)
                update = gradient.add(velocity, alpha=group["momentum"])
                direction = _orthogonal(update.flatten(1)).view_as(weights)
                weights.mul_(len(weights) ** 0.5 / weights.norm())
                weights.add_(direction, alpha=-group["lr"])


def _orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Nearly the orthogonal matrix that is nearest: (rows, columns) to the same."""
    a, b, c = _COEFFICIENTS
    x: torch.Tensor = matrix / matrix.norm().clamp_min(_SMALLEST_NORM)
    is_tall = len(x) > x.shape[1]
    x = x.T if is_tall else x
    for _ in range(_ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if is_tall else x
