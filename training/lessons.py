"""The corrections that a run learns from, and those that tell how well it learned them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training import corrections, data, guard
from training.model_store import Model


class NothingToLearn(Exception):  # noqa: N818 - it says what happened
    """A run that learns from corrections has found none; the message says what to do."""


@dataclass(frozen=True)
class Lessons:
    """What people corrected, as far as it is believed.

    `names` has one `<content hash>:<class>` for each picture of `taught`. `held_out` is never
    trained on. `set_aside` is how many were found to look wrong, and are in neither.
    """

    taught: data.Split
    names: list[str]
    held_out: data.Split
    set_aside: int

    def counts(self) -> dict[str, int]:
        """How many of each, as a run's record tells it."""
        used, held_out = len(self.taught.labels), len(self.held_out.labels)
        return {"used": used, "held_out": held_out, "set_aside": self.set_aside}

    def as_state(self) -> dict[str, Any]:
        """What a checkpoint keeps, so that a run that goes on learns the same."""
        return {
            "taught": vars(self.taught),
            "names": self.names,
            "held_out": vars(self.held_out),
            "set_aside": self.set_aside,
        }

    @staticmethod
    def of_state(state: dict[str, Any]) -> "Lessons":
        """The same again."""
        taught, held_out = data.Split(**state["taught"]), data.Split(**state["held_out"])
        return Lessons(taught, state["names"], held_out, state["set_aside"])


def choose(
    champion: Model | None, dataset: data.FashionMNIST, *, is_learning: bool = True
) -> Lessons:
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
        none = data.Split(dataset.train.images[:0], dataset.train.labels[:0])
        return Lessons(none, [], none, 0)
    believed = np.ones(len(usable.ids), np.bool_)
    if champion is not None and champion.class_names == dataset.class_names:
        reasons = guard.suspicions(champion, dataset.train, usable)
        set_aside = corrections.set_aside(reasons)
        believed = ~np.isin(usable.ids, set_aside)
    taught = believed & ~usable.held_out & is_learning
    return Lessons(
        taught=_some(usable, taught),
        names=[
            f"{usable.content_hashes[row]}:{dataset.class_names[usable.labels[row]]}"
            for row in np.flatnonzero(taught)
        ],
        held_out=_some(usable, believed & usable.held_out),
        set_aside=int((~believed).sum()),
    )


def _some(usable: corrections.Usable, chosen: npt.NDArray[np.bool_]) -> data.Split:
    return data.Split(
        torch.from_numpy(usable.images[chosen]), torch.from_numpy(usable.labels[chosen])
    )
