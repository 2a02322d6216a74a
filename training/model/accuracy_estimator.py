"""Whether answers are right, guessed without labels: by the answer and by what the picture is like.

A confidence alone does not tell. Pictures moved aside by five pixels are named better than their
confidence says, and noisy ones far worse. So a few numbers of a picture (how bright, how rough, how
full its border) go beside the probabilities into a tiny network of its own. It is fitted at the end
of a run on the validation pictures, spoiled in many ways and strengths (training/spoiled.py): the
right answers to those are known.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from training.data.corruptions import corrupt
from training.data.fashion_mnist import Split
from training.model.preprocess import SIDE

_FEATURES_OF_A_PICTURE = 16
_WIDTH = 32
_FARTHEST = 5.0
"""Standard deviations. What lies beyond was not seen while fitting, and tells nothing more."""

_ROUNDS = 4
"""How often each validation picture is spoiled, each time in another way."""

_EPOCHS = 20
_BATCH = 512
_LEARNING_RATE = 0.01
_WEIGHT_DECAY = 0.01


class AccuracyEstimator(nn.Module):
    """Probabilities that answers are right, for a version with so many classes."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        features = 4 + 2 * classes + _FEATURES_OF_A_PICTURE
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.layers = nn.Sequential(
            nn.Linear(features, _WIDTH), nn.ReLU(), nn.Linear(_WIDTH, 1), nn.Flatten(0)
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (N,) of `features`."""
        standard = (features - self.mean) / self.deviation
        logits: torch.Tensor = self.layers(standard.clamp(-_FARTHEST, _FARTHEST))
        return logits

    @torch.inference_mode()
    def expected_accuracy(
        self,
        images: npt.NDArray[np.uint8] | torch.Tensor,
        probabilities: npt.NDArray[np.float32] | torch.Tensor,
    ) -> float:
        """The share, 0..1, that is named right of pictures, uint8 (N, 28, 28).

        `probabilities`, float (N, classes), are the answers.
        """
        seen = features(torch.as_tensor(images), torch.as_tensor(probabilities))
        return float(self(seen).sigmoid().mean())


def features(images: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    """What an estimator sees, float (N, features)."""
    best = probabilities.topk(min(3, probabilities.shape[1]), dim=1).values
    second, third = best[:, 1:2], best[:, -1:]
    entropy = -(probabilities * probabilities.clamp_min(1e-9).log()).sum(1, keepdim=True)
    answers = one_hot(probabilities.argmax(1), probabilities.shape[1])
    confidence = torch.logit(best[:, :1], eps=1e-4)
    return torch.cat(
        (confidence, entropy, second, third, answers, probabilities, _of_pictures(images)), 1
    )


def _of_pictures(images: torch.Tensor) -> torch.Tensor:
    """Float (N, 16), of pictures, uint8 (N, 28, 28)."""
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
            *_off_centre(pixels),
        ],
        1,
    )


def _off_centre(pixels: torch.Tensor) -> list[torch.Tensor]:
    """How far the article's weight lies from the middle, 0..1, up or down and to a side."""
    places = torch.linspace(-1, 1, SIDE)
    weight = pixels.sum((1, 2)).clamp_min(1e-6)
    return [(pixels.sum(along) @ places).abs() / weight for along in (2, 1)]


def fit(
    predict: Callable[[torch.Tensor], torch.Tensor], known: Split, classes: int, seed: int
) -> AccuracyEstimator:
    """Fit an estimator of a version that answers by `predict` on pictures with known classes.

    `predict` takes uint8 (N, 28, 28) and returns float (N, classes) on the CPU. The version must
    not have been trained on the pictures.
    """
    order = torch.Generator().manual_seed(seed)
    seen, right = [], []
    for _ in range(_ROUNDS):
        which = _lot(known, order)
        images = corrupt(known.images[which], order)
        probabilities = predict(images)
        seen.append(features(images, probabilities))
        right.append(probabilities.argmax(1) == known.labels[which])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        estimator = AccuracyEstimator(classes)
    return _fitted(estimator, torch.cat(seen), torch.cat(right).float(), order)


def _lot(known: Split, order: torch.Generator) -> torch.Tensor:
    return torch.randperm(len(known.labels), generator=order)


def _fitted(
    estimator: AccuracyEstimator, seen: torch.Tensor, right: torch.Tensor, order: torch.Generator
) -> AccuracyEstimator:
    estimator.mean.copy_(seen.mean(0))
    estimator.deviation.copy_(seen.std(0).clamp_min(1e-3))
    steps = _EPOCHS * -(-len(right) // _BATCH)
    optimizer = torch.optim.AdamW(
        estimator.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps)
    for _ in range(_EPOCHS):
        for batch in torch.randperm(len(right), generator=order).split(_BATCH):
            loss = binary_cross_entropy_with_logits(estimator(seen[batch]), right[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return estimator.eval()
