"""Fitting of a version's familiarity statistics, at the end of a run.

training/model/familiarity.py are the statistics themselves, which serving needs too.
"""

import torch

from training.data.fashion_mnist import Split
from training.evaluation import infer_with_features
from training.model.familiarity import Familiarity, Samples, fit
from training.model.networks import Network

_PER_CLASS = 500
"""Training pictures of each class. With all of them the result is hardly better, and it would take
a run a few seconds more."""


def fit_familiarity(
    network: Network, train: Split, validation: Split, taught: Split
) -> Familiarity:
    """Fit the statistics of a trained network.

    `train` are the original pictures that it was trained on, `taught` the corrections.
    `validation` are pictures that it was not trained on; what share of them is less familiar than
    a picture is that picture's familiarity.
    """
    return fit(
        _samples(network, _sample_per_class(train)),
        _samples(network, taught),
        _samples(network, validation),
    )


def _samples(network: Network, pictures: Split) -> Samples:
    features, logits = infer_with_features(network, pictures.images)
    return Samples(features.numpy(), logits.numpy(), pictures.labels.cpu().numpy())


def _sample_per_class(pictures: Split) -> Split:
    """The first _PER_CLASS pictures of each class: the data set has no order."""
    rows = [
        (pictures.labels == label).nonzero().flatten()[:_PER_CLASS]
        for label in pictures.labels.unique()
    ]
    chosen = torch.cat([*rows, pictures.labels.new_empty(0)])
    return Split(pictures.images[chosen], pictures.labels[chosen])
