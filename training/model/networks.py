"""The networks. Each takes what `preprocess.to_input` returns and gives logits."""

from collections.abc import Callable

import torch
from torch import nn

from training.model.preprocess import PIXEL_MEAN, PIXEL_STD, SIDE


class Network(nn.Module):
    """What every network has: features, and a `head`, the linear layer that turns them into logits.

    Training divides the temperature into the head.
    """

    head: nn.Linear

    def features_and_logits(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Float (N, 28, 28) to the features (N, F) and the logits (N, classes), in one pass."""
        raise NotImplementedError

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Float (N, 28, 28) to logits (N, classes)."""
        return self.features_and_logits(images)[1]

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Float (N, 28, 28) to features (N, F): the input of the head."""
        return self.features_and_logits(images)[0]


class MLP(Network):
    """The reference network: 784-512-512-10, 669,706 parameters."""

    def __init__(self, classes: int, *, widths: tuple[int, int] = (512, 512)) -> None:
        super().__init__()
        first, second = widths
        self.layers = nn.Sequential(
            nn.Linear(SIDE * SIDE, first),
            nn.ReLU(),
            nn.Linear(first, second),
            nn.ReLU(),
        )
        self.head = nn.Linear(second, classes)

    def features_and_logits(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Float (N, 28, 28) to the features (N, F) and the logits (N, classes), in one pass."""
        features = self.layers(images.flatten(1))
        return features, self.head(features)


class SmallMLP(MLP):
    """784-256-128-10: a third of the numbers, and nearly as good after as many epochs."""

    def __init__(self, classes: int) -> None:
        super().__init__(classes, widths=(256, 128))


class UnitMLP(MLP):
    """The reference network on pixels of 0..1, as tutorials train it: they do not standardise."""

    def features_and_logits(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Float (N, 28, 28) to the features (N, F) and the logits (N, classes), in one pass."""
        return super().features_and_logits(images * PIXEL_STD + PIXEL_MEAN)


class CNN(Network):
    """Convolutions with batch norm, the maximum over the picture, and a linear head.

    `widths` holds each convolution's channels, and whether a max pooling halves its picture.
    `stem` is the first one's kernel, stride and padding; the others are 3x3. The last one of a
    `cropped` network has outputs only where no border is in view.
    A `mirrored` network answers with the means of a picture and its mirror image, except while it
    trains: twice the work, and the same answer whichever way a shoe points.
    """

    def __init__(
        self,
        classes: int,
        *,
        stem: tuple[int, int, int],
        widths: tuple[tuple[int, bool], ...],
        mirrored: bool,
        cropped: bool = False,
    ) -> None:
        super().__init__()
        self.mirrored = mirrored
        layers: list[nn.Module] = []
        channels = 1
        for place, (width, is_pooled) in enumerate(widths, start=1):
            kernel, stride, padding = (3, 1, 1) if layers else stem
            if cropped and place == len(widths):
                padding = 0
            layers.append(nn.Conv2d(channels, width, kernel, stride, padding, bias=False))
            if is_pooled:  # before the norm: it has a quarter of the work then
                layers.append(nn.MaxPool2d(2))
            layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)
        # The layout in which convolutions are fastest on CPUs and on tensor cores alike.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features_and_logits(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Float (N, 28, 28) to the features (N, F) and the logits (N, classes), in one pass."""
        if not self.mirrored or self.training:
            features = self._pool(images)
            return features, self.head(features)
        # In one go: a few pictures take three quarters of the time of two goes, many as long.
        both = self._pool(torch.cat((images, images.flip(2))))
        return _mean_of_halves(both), _mean_of_halves(self.head(both))

    def _pool(self, images: torch.Tensor) -> torch.Tensor:
        pictures = images.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        features: torch.Tensor = self.layers(pictures).amax((2, 3))
        return features


def _mean_of_halves(both: torch.Tensor) -> torch.Tensor:
    one, other = both.chunk(2)
    return (one + other) / 2


class Small(CNN):
    """Small enough that serving it costs little: the first layer has a stride of 2."""

    def __init__(self, classes: int) -> None:
        widths = ((32, False), (48, True), (96, True), (128, False))
        super().__init__(classes, stem=(4, 2, 0), widths=widths, mirrored=True, cropped=True)


class Large(CNN):
    """Larger and slower: the first layer has a stride of 1."""

    def __init__(self, classes: int) -> None:
        widths = ((32, True), (64, False), (64, True), (128, False), (128, False), (128, False))
        super().__init__(classes, stem=(3, 1, 1), widths=widths, mirrored=True)


NETWORKS: dict[str, Callable[[int], Network]] = {
    "mlp": MLP,
    "mlp-small": SmallMLP,
    "mlp-unit": UnitMLP,
    "cnn-small": Small,
    "cnn-large": Large,
}
"""By the name that a stored model carries: how a version is rebuilt when it is loaded."""


def build(name: str, classes: int) -> Network:
    """Build a network with random weights. Raises KeyError with a name that is not in NETWORKS."""
    return NETWORKS[name](classes)


def count_parameters(network: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
