"""The corrections that a run learns from, and those that tell how well it learned them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.data import fashion_mnist
from training.feedback import label_noise
from training.store import corrections
from training.store.versions import Model


class NoCorrections(Exception):  # noqa: N818 - it says what happened
    """A run that learns from corrections has found none; the message says what to do."""


@dataclass(frozen=True)
class CorrectionSplit:
    """What people corrected, as far as it is believed.

    `names` has one `<content hash>:<class>` for each picture of `taught`. `held_out` is never
    trained on. `quarantined` is how many were found to look wrong, and are in neither.
    """

    taught: fashion_mnist.Split
    names: list[str]
    held_out: fashion_mnist.Split
    quarantined: int

    def counts(self) -> dict[str, int]:
        """How many of each, as a run's record tells it."""
        used, held_out = len(self.taught.labels), len(self.held_out.labels)
        return {"used": used, "held_out": held_out, "quarantined": self.quarantined}

    def as_state(self) -> dict[str, Any]:
        """What a checkpoint keeps, so that a run that goes on learns the same."""
        return {
            "taught": vars(self.taught),
            "names": self.names,
            "held_out": vars(self.held_out),
            "quarantined": self.quarantined,
        }

    @staticmethod
    def of_state(state: dict[str, Any]) -> "CorrectionSplit":
        """The same again."""
        taught, held_out = (
            fashion_mnist.Split(**state["taught"]),
            fashion_mnist.Split(**state["held_out"]),
        )
        return CorrectionSplit(taught, state["names"], held_out, state["quarantined"])


def split_corrections(
    champion: Model | None, dataset: fashion_mnist.FashionMNIST, *, is_learning: bool = True
) -> CorrectionSplit:
    """Look through the corrections, and set aside in the store what looks wrong to the champion.

    Without `is_learning` none is taught, and those that are held out measure still. Raises
    corrections.StoreUnavailable, unless nothing was to be learned: a damaged store must not keep
    a model from being trained.
    """
    try:
        usable = corrections.usable(dataset.class_names)
    except corrections.StoreUnavailable:
        if is_learning:
            raise
        none = fashion_mnist.Split(dataset.train.images[:0], dataset.train.labels[:0])
        return CorrectionSplit(none, [], none, 0)
    believed = np.ones(len(usable.ids), np.bool_)
    if champion is not None and champion.class_names == dataset.class_names:
        reasons = label_noise.find_suspects(champion, dataset.train, usable)
        quarantined = corrections.quarantine(reasons)
        believed = ~np.isin(usable.ids, quarantined)
    taught = believed & ~usable.held_out & is_learning
    return CorrectionSplit(
        taught=_some(usable, taught),
        names=[
            f"{usable.content_hashes[row]}:{dataset.class_names[usable.labels[row]]}"
            for row in np.flatnonzero(taught)
        ],
        held_out=_some(usable, believed & usable.held_out),
        quarantined=int((~believed).sum()),
    )


def _some(usable: corrections.Usable, chosen: npt.NDArray[np.bool_]) -> fashion_mnist.Split:
    return fashion_mnist.Split(
        torch.from_numpy(usable.images[chosen]), torch.from_numpy(usable.labels[chosen])
    )
