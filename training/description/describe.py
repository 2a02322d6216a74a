"""What is stored beside a trained network: fitted or chosen at the end of a run."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from training.accuracy_estimation import fit_estimator
from training.calibration import calibrate
from training.data.fashion_mnist import FashionMNIST
from training.description.examples import choose_examples
from training.evaluation import predict
from training.familiarity_fitting import fit_familiarity
from training.feedback import run_data
from training.feedback.split import CorrectionSplit
from training.model import baseline
from training.model.accuracy_estimator import AccuracyEstimator
from training.model.examples import Examples
from training.model.familiarity import Familiarity
from training.model.networks import Network


@dataclass(frozen=True)
class Description:
    """What serving needs to know about a trained network."""

    temperature: float
    baseline: dict[str, Any]
    estimator: AccuracyEstimator
    familiarity: Familiarity
    examples: Examples


def describe(
    network: Network, dataset: FashionMNIST, split: CorrectionSplit, seed: int
) -> Description:
    """Calibrate a trained network, in place, and measure it on pictures as it should see them."""
    class_names = split.classes.names
    temperature = calibrate(network, dataset.validation) if dataset.class_names else 1.0
    pictures = run_data.representative(dataset, split, seed)
    probabilities = predict(network, pictures.images)
    return Description(
        temperature,
        baseline.measure(probabilities, pictures.images, class_names),
        fit_estimator(partial(predict, network), pictures, len(class_names), seed),
        fit_familiarity(network, dataset.train, pictures, split.train),
        choose_examples(network, dataset.train, split.train),
    )
