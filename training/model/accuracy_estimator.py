"""Estimates the accuracy of predictions without labels, from probabilities and picture statistics.

Confidence alone is not enough. Pictures shifted by five pixels are classified better than their
confidence says, and noisy ones far worse. So a few statistics of a picture (brightness, roughness,
content of its border) join the probabilities as input of a tiny network. A run fits it
(training/accuracy_estimation.py).
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import one_hot

from training.model.preprocess import SIDE

_PICTURE_FEATURES = 16
_WIDTH = 32
_MAX_DEVIATIONS = 5.0
"""Standard deviations at which features are clipped: farther values did not occur in fitting."""


class AccuracyEstimator(nn.Module):
    """A network that gives the probability that a prediction is correct.

    `classes` is the number of classes of the version.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        features = 4 + 2 * classes + _PICTURE_FEATURES
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.layers = nn.Sequential(
            nn.Linear(features, _WIDTH), nn.ReLU(), nn.Linear(_WIDTH, 1), nn.Flatten(0)
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features, float (N, F), to logits, float (N,)."""
        standard = (features - self.mean) / self.deviation
        logits: torch.Tensor = self.layers(standard.clamp(-_MAX_DEVIATIONS, _MAX_DEVIATIONS))
        return logits

    @torch.inference_mode()
    def expected_accuracy(
        self,
        images: npt.NDArray[np.uint8] | torch.Tensor,
        probabilities: npt.NDArray[np.float32] | torch.Tensor,
    ) -> float:
        """Estimate the accuracy, 0..1, on pictures, uint8 (N, 28, 28).

        `probabilities`, float (N, classes), are the version's predictions.
        """
        inputs = features(torch.as_tensor(images), torch.as_tensor(probabilities))
        return float(self(inputs).sigmoid().mean())


def features(images: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    """Return an estimator's input, float (N, F), for pictures and their predicted probabilities."""
    best = probabilities.topk(min(3, probabilities.shape[1]), dim=1).values
    second, third = best[:, 1:2], best[:, -1:]
    entropy = -(probabilities * probabilities.clamp_min(1e-9).log()).sum(1, keepdim=True)
    predicted = one_hot(probabilities.argmax(1), probabilities.shape[1])
    confidence = torch.logit(best[:, :1], eps=1e-4)
    return torch.cat(
        (confidence, entropy, second, third, predicted, probabilities, _picture_features(images)), 1
    )


def _picture_features(images: torch.Tensor) -> torch.Tensor:
    """Statistics, float (N, 16), of pictures, uint8 (N, 28, 28)."""
    pixels = images.float() / 255
    edges = [pixels.diff(dim=1), pixels.diff(dim=2)]
    bends = [edges[0].diff(dim=1), edges[1].diff(dim=2)]
    border = torch.cat((pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]), 1)
    return torch.stack(
        [
            pixels.mean((1, 2)),
            pixels.std((1, 2)),
            (pixels == 0).float().mean((1, 2)),
            (pixels > 0.99).float().mean((1, 2)),
            *(it.abs().mean((1, 2)) for it in (*edges, *bends)),
            border.mean(1),
            border.std(1),
            pixels[:, :4].mean((1, 2)),
            pixels[:, -4:].mean((1, 2)),
            pixels[:, :, :4].mean((1, 2)),
            pixels[:, :, -4:].mean((1, 2)),
            *_centre_distances(pixels),
        ],
        1,
    )


def _centre_distances(pixels: torch.Tensor) -> list[torch.Tensor]:
    """Distance of the centre of mass from the middle, 0..1, vertically and horizontally."""
    places = torch.linspace(-1, 1, SIDE)
    weight = pixels.sum((1, 2)).clamp_min(1e-6)
    return [(pixels.sum(along) @ places).abs() / weight for along in (2, 1)]
