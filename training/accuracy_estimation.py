"""Fitting of a version's accuracy estimator, at the end of a run.

It is fitted on the validation pictures, corrupted by many kinds and strengths, whose labels are
known. training/model/accuracy_estimator.py is the estimator itself, which serving needs too.
"""

from collections.abc import Callable

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from training.data.corruptions import corrupt
from training.data.fashion_mnist import Split
from training.model.accuracy_estimator import AccuracyEstimator, features

_COPIES = 4
"""Of each validation picture, each corrupted at random."""

_EPOCHS = 20
_BATCH = 512
_LEARNING_RATE = 0.01
_WEIGHT_DECAY = 0.01


def fit_estimator(
    predict: Callable[[torch.Tensor], torch.Tensor], labelled: Split, classes: int, seed: int
) -> AccuracyEstimator:
    """Fit an estimator for a version, on labelled pictures that it was not trained on.

    `predict` is the version: it takes uint8 (N, 28, 28) and returns probabilities,
    float (N, classes), on the CPU.
    """
    generator = torch.Generator().manual_seed(seed)
    inputs, is_correct = [], []
    for _ in range(_COPIES):
        rows = torch.randperm(len(labelled.labels), generator=generator)
        images = corrupt(labelled.images[rows], generator)
        probabilities = predict(images)
        inputs.append(features(images, probabilities))
        is_correct.append(probabilities.argmax(1) == labelled.labels[rows])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        estimator = AccuracyEstimator(classes)
    return _train(estimator, torch.cat(inputs), torch.cat(is_correct).float(), generator)


def _train(
    estimator: AccuracyEstimator,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
) -> AccuracyEstimator:
    estimator.mean.copy_(inputs.mean(0))
    estimator.deviation.copy_(inputs.std(0).clamp_min(1e-3))
    steps = _EPOCHS * -(-len(targets) // _BATCH)
    optimizer = torch.optim.AdamW(
        estimator.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps)
    for _ in range(_EPOCHS):
        for batch in torch.randperm(len(targets), generator=generator).split(_BATCH):
            loss = binary_cross_entropy_with_logits(estimator(inputs[batch]), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return estimator.eval()
