"""The optimizers of a recipe, and its learning-rate schedule."""

from typing import Any

import torch
from torch import nn

from training.optim.muon import Muon
from training.recipes import Recipe

_MUON_MOMENTUM = 0.6

_WARM_UP_SHARE = 0.2
"""Of a one-cycle schedule's steps: chosen on the validation split."""


def build_optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Build SGD, and Muon beside it if the recipe has a Muon learning rate.

    Muon trains the convolutions behind the first, SGD all other parameters. Biases and the
    parameters of norms have no weight decay.
    """
    muon_parameters: list[nn.Parameter] = []
    if recipe.muon_learning_rate > 0:
        # The first convolution has one input channel: too flat a matrix to orthogonalise.
        muon_parameters = [it for it in network.parameters() if it.ndim == 4 and it.shape[1] > 1]
    chosen = {id(parameter) for parameter in muon_parameters}
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
    if not muon_parameters:
        return [sgd]
    return [sgd, Muon(muon_parameters, recipe.muon_learning_rate, _MUON_MOMENTUM)]


def scale_learning_rates(optimizers: list[torch.optim.Optimizer], factor: float) -> None:
    """Set each learning rate to `factor`, 0..1, times its peak, the rate it was built with."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group.setdefault("peak", group["lr"])
            group["lr"] = group["peak"] * factor


def one_cycle(progress: float) -> float:
    """The factor, 0..1, of the peak learning rate at `progress`, 0..1, of training.

    It rises linearly over the warm-up and falls linearly to 0 over the rest.
    """
    return min(progress / _WARM_UP_SHARE, (1 - progress) / (1 - _WARM_UP_SHARE))
