"""Fitting of a version's familiarity statistics, at the end of a run.

training/model/familiarity.py are the statistics themselves, which serving needs too.
"""

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
        _samples(network, train.first_of_each_class(_PER_CLASS)),
        _samples(network, taught),
        _samples(network, validation),
    )


def _samples(network: Network, pictures: Split) -> Samples:
    features, logits = infer_with_features(network, pictures.images)
    return Samples(features.numpy(), logits.numpy(), pictures.labels.cpu().numpy())
