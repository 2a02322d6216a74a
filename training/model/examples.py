"""Pictures that a version learned from, kept with it to compare other pictures with.

training/description/examples.py chooses a version's, at the end of a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from training.model.preprocess import SIDE, Grey

if TYPE_CHECKING:
    import torch

_LEAST = 1e-6

Values = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Examples:
    """N pictures, and where they lie for the version's network.

    `images` are uint8 (N, 28, 28), `labels`, int64 (N,), are numbers of the version's classes, and
    `is_correction`, bool (N,), tells which ones people taught. `features`, float32 (N, F), have
    length 1.
    """

    images: Grey
    labels: npt.NDArray[np.int64]
    is_correction: npt.NDArray[np.bool_]
    features: Values

    def nearest(self, features: Values, count: int) -> tuple[npt.NDArray[np.int64], Values]:
        """Return the rows of the `count` pictures nearest to one with these features (F,).

        Nearest first, each with its similarity: the cosine of the angle between the features.
        """
        direction = features / max(float(np.linalg.norm(features)), _LEAST)
        similarity = self.features @ direction
        rows = np.argsort(-similarity, kind="stable")[:count]
        return rows, similarity[rows]

    def state_dict(self) -> "dict[str, torch.Tensor]":
        """Return what a version keeps. Features have half the precision there."""
        import torch

        state = {name: torch.from_numpy(value) for name, value in vars(self).items()}
        return state | {"features": state["features"].half()}

    @staticmethod
    def from_state_dict(state: "Mapping[str, torch.Tensor]", classes: int) -> "Examples":
        """Rebuild those of a version with that many classes.

        Raises ValueError, KeyError or TypeError when parts do not fit together.
        """
        parts = {name: tensor.numpy() for name, tensor in state.items()}
        parts["features"] = parts["features"].astype(np.float32)
        found = Examples(**parts)
        count = len(found.images)
        if found.images.shape != (count, SIDE, SIDE) or found.images.dtype != np.uint8:
            raise ValueError("images")
        if found.features.ndim != 2 or len(found.features) != count:
            raise ValueError("features")
        if found.labels.shape != (count,) or found.is_correction.shape != (count,):
            raise ValueError("labels")
        if not np.isin(found.labels, np.arange(classes)).all():
            raise ValueError("classes")
        return found
