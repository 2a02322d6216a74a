"""The network that a run starts from: random weights, or the champion's, with a row for each class.

The head's row of a class that the champion does not know is imprinted (Qi et al., Low-Shot Learning
with Imprinted Weights, arXiv:1712.07136): it points from the middle of the known classes' features
to the mean of the new one's. So the run starts with a class that is neither dead nor the answer to
everything.
"""

from collections.abc import Sequence

import torch
from torch import nn

from training.data.fashion_mnist import Split
from training.evaluation import infer_with_features
from training.feedback.run_classes import output_rows
from training.feedback.run_data import concatenate
from training.model import networks
from training.model.networks import Network
from training.recipes import Recipe
from training.store.versions import Model

_REFERENCES_PER_CLASS = 200
"""Pictures of each known class that a new row is compared with."""

_CLAIMED = 0.005
"""Share of these pictures that a new row may claim at the start."""


def build(
    recipe: Recipe, class_names: Sequence[str], champion: Model | None, pictures: Sequence[Split]
) -> Network:
    """Build a recipe's network; with `champion`, from its weights.

    `pictures` show the classes, by numbers in `class_names`: of each class the first few count.
    """
    network = networks.build(recipe.network, len(class_names))
    if champion is None:
        return network
    rows = output_rows(class_names, champion.class_names)
    _copy(network, champion.network, rows)
    known = [label for label, row in enumerate(rows) if row is not None]
    shown = concatenate(*(Split(it.images.cpu(), it.labels.cpu()) for it in pictures))
    shown = shown.first_of_each_class(_REFERENCES_PER_CLASS)
    features = infer_with_features(champion.network, shown.images)[0]
    for label in range(len(class_names)):
        if rows[label] is None:
            _imprint(network.head, features, shown.labels, label, known)
    return network


def new_rows(class_names: Sequence[str], champion: Model) -> list[int]:
    """Return the rows of the head that belong to classes which the champion does not know."""
    rows = output_rows(class_names, champion.class_names)
    return [label for label, row in enumerate(rows) if row is None]


@torch.no_grad()
def _copy(network: Network, earlier: Network, rows: Sequence[int | None]) -> None:
    """Copy all weights, and of the head the row of each class that was known."""
    state, weights = network.state_dict(), earlier.state_dict()
    for name, value in weights.items():
        if not name.startswith("head."):
            state[name].copy_(value)
            continue
        for row, before in enumerate(rows):
            if before is not None:
                state[name][row] = value[before]


@torch.no_grad()
def _imprint(
    head: nn.Linear, features: torch.Tensor, labels: torch.Tensor, label: int, known: list[int]
) -> None:
    """Set the row of a new class, by features, float (N, F), of pictures of it and of known ones.

    The row is as long as the known ones on average. The bias is such that it claims few of the
    known classes' pictures.
    """
    if not known or label not in labels:
        return
    means = torch.stack([features[labels == it].mean(0) for it in known if it in labels])
    direction = features[labels == label].mean(0) - means.mean(0)
    weight = nn.functional.normalize(direction, dim=0) * head.weight[known].norm(dim=1).mean()
    others = features[torch.isin(labels, torch.tensor(known))]
    highest = (others @ head.weight[known].T + head.bias[known]).amax(1)
    head.weight[label] = weight
    head.bias[label] = -(others @ weight - highest).quantile(1 - _CLAIMED)
