"""Choice of the pictures that a version keeps to explain its answers with, at the end of a run.

training/model/examples.py are the pictures themselves, which serving needs too.
"""

import torch

from training.data.fashion_mnist import Split
from training.evaluation import extract_features
from training.model.examples import Examples
from training.model.networks import Network

_PER_CLASS = 300
"""Training pictures of each class: 3,000 of ten classes take 3 MB."""

_MAX_TAUGHT = 2_000
"""Corrections, the newest ones."""


def choose_examples(network: Network, train: Split, taught: Split) -> Examples:
    """Choose pictures that a network was trained on, and compute where they lie for it.

    `train` are the data set's pictures, `taught` the corrections.
    """
    known = train.first_of_each_class(_PER_CLASS)
    images = torch.cat((known.images.cpu(), taught.images[-_MAX_TAUGHT:].cpu()))
    labels = torch.cat((known.labels.cpu(), taught.labels[-_MAX_TAUGHT:].cpu()))
    features, _ = extract_features(network, images)
    return Examples(
        images=images.numpy(),
        labels=labels.numpy(),
        is_correction=(torch.arange(len(labels)) >= len(known.labels)).numpy(),
        features=features.numpy(),
    )
