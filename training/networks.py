"""The networks. Each takes what `preprocess.to_input` returns and gives logits."""

import torch
from torch import nn

from training.preprocess import SIDE


class MLP(nn.Module):
    """The reference network: 784-512-512-10, 669,706 parameters."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(SIDE * SIDE, 512),
            nn.ReLU(),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Float (N, 28, 28) to logits (N, classes)."""
        logits: torch.Tensor = self.layers(images.flatten(1))
        return logits


NETWORKS = {"mlp": MLP}
"""By the name that a stored model carries: how a version is rebuilt when it is loaded."""


def build(name: str, classes: int) -> nn.Module:
    """A new network with random weights. Raises KeyError with a name that is not in NETWORKS."""
    return NETWORKS[name](classes)


def count_parameters(network: nn.Module) -> int:
    """How many numbers training changes."""
    return sum(parameter.numel() for parameter in network.parameters())
