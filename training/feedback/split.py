"""The split of corrections: those that a run trains on, and those held out for evaluation."""

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
    """A run that trains on corrections has found none; the message says what to do."""


@dataclass(frozen=True)
class CorrectionSplit:
    """Corrections to train on and to evaluate with.

    `sample_ids` has one `<content hash>:<class>` for each picture of `train`. `held_out` is never
    trained on. `quarantined` is how many have labels that look wrong, and are in neither.
    """

    train: fashion_mnist.Split
    sample_ids: list[str]
    held_out: fashion_mnist.Split
    quarantined: int

    def counts(self) -> dict[str, int]:
        """Return how many of each, for a run's record."""
        used, held_out = len(self.train.labels), len(self.held_out.labels)
        return {"used": used, "held_out": held_out, "quarantined": self.quarantined}

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps, so that a resumed run trains on the same pictures."""
        return {
            "train": vars(self.train),
            "sample_ids": self.sample_ids,
            "held_out": vars(self.held_out),
            "quarantined": self.quarantined,
        }

    @staticmethod
    def from_state_dict(state: dict[str, Any]) -> "CorrectionSplit":
        """Rebuild a split from its state_dict."""
        return CorrectionSplit(
            train=fashion_mnist.Split(**state["train"]),
            sample_ids=state["sample_ids"],
            held_out=fashion_mnist.Split(**state["held_out"]),
            quarantined=state["quarantined"],
        )


def split_corrections(
    champion: Model | None, dataset: fashion_mnist.FashionMNIST, *, for_training: bool = True
) -> CorrectionSplit:
    """Split the stored corrections, and quarantine those that look wrong to the champion.

    Without `for_training`, `train` is empty and `held_out` is as with it. Raises
    corrections.StoreUnavailable, but only with `for_training`: a damaged store must not keep a
    model from being trained on the originals.
    """
    try:
        usable = corrections.usable(dataset.class_names)
    except corrections.StoreUnavailable:
        if for_training:
            raise
        none = fashion_mnist.Split(dataset.train.images[:0], dataset.train.labels[:0])
        return CorrectionSplit(none, [], none, 0)
    is_trusted = np.ones(len(usable.ids), np.bool_)
    if champion is not None and champion.class_names == dataset.class_names:
        reasons = label_noise.find_suspects(champion, dataset.train, usable)
        quarantined = corrections.quarantine(reasons)
        is_trusted = ~np.isin(usable.ids, quarantined)
    is_train = is_trusted & ~usable.held_out & for_training
    return CorrectionSplit(
        train=_select(usable, is_train),
        sample_ids=[
            f"{usable.content_hashes[row]}:{dataset.class_names[usable.labels[row]]}"
            for row in np.flatnonzero(is_train)
        ],
        held_out=_select(usable, is_trusted & usable.held_out),
        quarantined=int((~is_trusted).sum()),
    )


def _select(usable: corrections.Usable, chosen: npt.NDArray[np.bool_]) -> fashion_mnist.Split:
    return fashion_mnist.Split(
        torch.from_numpy(usable.images[chosen]), torch.from_numpy(usable.labels[chosen])
    )
