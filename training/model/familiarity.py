"""How familiar a picture is to a version: how near it lies to the pictures that it was trained on.

The probabilities do not tell: a network is sure of a class for most pictures of no class at all.
Its features do, the input of its last layer. Three scores of a picture are added, each in standard
deviations of the reference pictures:

- the distance to the nearest class mean, less the distance to the mean of all, by Mahalanobis (Ren
  et al., A Simple Fix to Mahalanobis Distance, arXiv:2106.09022);
- the distance to the nearest class mean of the features that are scaled to length 1;
- the energy, which is the log of the sum of the logits' exponentials (Liu et al., Energy-based
  Out-of-distribution Detection, arXiv:2010.03759).

What people taught looks different from the rest of its class, so it has class means of its own.
training/familiarity_fitting.py fits a version's, at the end of a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

KNOWN_FROM = 0.04
"""The familiarity from which a picture counts as known: this share of the reference pictures does
not."""

_STEPS = 1_000
"""In which familiarity is measured, from 0 to 1."""

_MIN_SHRINKAGE = 0.01
"""Share of the covariance that is the same in all directions; with few pictures it is more."""

_MAX_TAUGHT_SHARE = 0.5
"""Of the covariance. With fewer taught pictures than features it is less."""

_LEAST = 1e-6

Values = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


class Samples(NamedTuple):
    """Pictures as a network sees them: features (N, F), logits (N, C) and labels, int64 (N,)."""

    features: Values
    logits: Values
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Familiarity:
    """The statistics of a version by which it measures how familiar a picture is.

    `projection` maps features to the terms of both distances, side by side, and `offset` is taken
    from the terms. `counts` says how many there are: squares and class means of the one, squares
    and class means of the other. `weights` are those of the two distances and of the energy.
    `scores` are quantiles of the reference pictures' scores, from the lowest to the highest.
    """

    projection: Values
    offset: Values
    counts: npt.NDArray[np.int64]
    weights: Values
    scores: Values

    def measure(self, features: Values, logits: Values) -> Floats:
        """Return the familiarity, 0..1, of pictures with these features (N, F) and logits (N, C).

        It is the share of the reference pictures that are less familiar.
        """
        places = self.scores.searchsorted(self._parts(features, logits) @ self.weights)
        return np.minimum(places, _STEPS) / _STEPS

    def state_dict(self) -> "dict[str, torch.Tensor]":
        """Return what a version keeps."""
        import torch

        return {name: torch.from_numpy(value) for name, value in vars(self).items()}

    @staticmethod
    def from_state_dict(state: "Mapping[str, torch.Tensor]") -> "Familiarity":
        """Rebuild it. Raises ValueError or TypeError when the parts do not fit together."""
        found = Familiarity(**{name: tensor.numpy() for name, tensor in state.items()})
        width = int(found.counts.sum())
        if found.projection.shape[1:] != (width,) or found.offset.shape != (width,):
            raise ValueError("projection")
        if found.weights.shape != (3,) or found.scores.shape != (_STEPS + 1,):
            raise ValueError("scores")
        return found

    def _parts(self, features: Values, logits: Values) -> Values:
        """Both distances and the energy, float32 (N, 3).

        In few and simple operations: most batches are small. The product is left to torch, which
        has one thread in serving; numpy's would wait for others.
        """
        import torch

        squares, means, unit_squares, _ = self.counts.tolist()
        split = squares + means
        terms = torch.mm(torch.from_numpy(features), torch.from_numpy(self.projection)).numpy()
        lengths = np.sqrt(np.einsum("nf,nf->n", features, features))
        terms[:, split:] /= np.maximum(lengths, _LEAST)[:, None]
        terms -= self.offset
        highest = np.maximum.reduce(logits, axis=1)
        powers = np.exp(logits - highest[:, None])
        parts = np.empty((len(features), 3), np.float32)
        parts[:, 0] = _distance(terms[:, :split], squares)
        parts[:, 1] = _distance(terms[:, split:], unit_squares)
        parts[:, 2] = highest + np.log(np.add.reduce(powers, axis=1))
        return parts


def fit(known: Samples, taught: Samples, reference: Samples) -> Familiarity:
    """Fit the statistics to pictures that a network was trained on: those of the data set, `known`,
    and those that people taught, `taught`. Either may be empty, but not both.

    `reference` are pictures that it was not trained on, of what it should know. At least one.
    """
    if not len(known.labels):
        known, taught = taught, known
    distance = _distance_terms(_group(known), _group(taught), is_relative=True)
    unit_distance = _distance_terms(
        _group(known, is_unit=True), _group(taught, is_unit=True), is_relative=False
    )
    unweighted = Familiarity(
        projection=np.hstack((distance.projection, unit_distance.projection)).astype(np.float32),
        offset=np.hstack((distance.offset, unit_distance.offset)).astype(np.float32),
        counts=np.array((*distance.counts, *unit_distance.counts)),
        weights=np.zeros(3, np.float32),
        scores=np.zeros(_STEPS + 1, np.float32),
    )
    parts = unweighted._parts(reference.features, reference.logits)
    weights = np.array((-1, -1, 1), np.float32) / parts.std(axis=0).clip(min=_LEAST)
    scores = np.quantile(parts @ weights, np.linspace(0, 1, _STEPS + 1)).astype(np.float32)
    return replace(unweighted, weights=weights, scores=scores)


class _Terms(NamedTuple):
    """Terms of a squared distance: some that are squared and added, and one per class mean, of
    which the least is added."""

    projection: Floats
    offset: Floats
    counts: tuple[int, int]


def _distance(terms: Values, squares: int) -> Values:
    squared = terms[:, :squares]
    nearest: Values = np.minimum.reduce(terms[:, squares:], axis=1)
    nearest += np.einsum("nt,nt->n", squared, squared)
    return nearest


class _Group(NamedTuple):
    """Features of N pictures, float (N, F), and the mean of each of their classes, (classes, F)."""

    features: Floats
    means: Floats
    covariance: Floats


def _group(samples: Samples, *, is_unit: bool = False) -> _Group:
    """Describe features, scaled to length 1 if `is_unit`.

    The covariance is that within the classes. It is shrunk towards one without a direction: few
    pictures do not show all directions.
    """
    features = samples.features.astype(np.float64)
    if is_unit:
        features /= np.linalg.norm(features, axis=1, keepdims=True).clip(min=_LEAST)
    count, width = features.shape
    if not count:
        return _Group(features, features, np.zeros((width, width)))
    labels, places = np.unique(samples.labels, return_inverse=True)
    means = np.stack([features[samples.labels == label].mean(axis=0) for label in labels])
    deviations = features - means[places]
    covariance = deviations.T @ deviations / count
    shrinkage = max(_MIN_SHRINKAGE, width / (width + count))
    even = max(np.trace(covariance) / width, _LEAST) * np.eye(width)
    return _Group(features, means, (1 - shrinkage) * covariance + shrinkage * even)


def _distance_terms(known: _Group, taught: _Group, *, is_relative: bool) -> _Terms:
    """Terms of the squared Mahalanobis distance of features, (F,), to the nearest class mean.

    If `is_relative`, the distance to the mean of all is taken from it. Both covariances differ by
    that of the class means only, so what is left of the squares are a few directions.

    What was taught varies in other ways than the rest, so the covariance is a mixture of both.
    """
    count, width = taught.features.shape
    share = min(_MAX_TAUGHT_SHARE, count / (count + width))
    precision = np.linalg.inv((1 - share) * known.covariance + share * taught.covariance)
    centre = known.features.mean(axis=0)
    means = np.vstack((known.means, taught.means)) - centre
    if is_relative:  # Woodbury's identity, for the difference of both inverse covariances
        between = means / np.sqrt(len(means))
        inner = np.linalg.inv(np.eye(len(between)) + between @ precision @ between.T)
        squares = precision @ between.T @ np.linalg.cholesky(inner)
    else:
        squares = np.linalg.cholesky(precision)
    linear = -2 * precision @ means.T
    constant = np.einsum("cf,fg,cg->c", means, precision, means)
    return _Terms(
        projection=np.hstack((squares, linear)),
        offset=np.hstack((centre @ squares, centre @ linear - constant)),
        counts=(squares.shape[1], len(means)),
    )
