"""The split of corrections: those that a run trains on, and those held out for evaluation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.data import fashion_mnist
from training.feedback import label_noise, run_classes
from training.feedback.run_classes import RunClasses
from training.store import corrections
from training.store.versions import Model

_LISTED = 100
"""Ids of quarantined corrections in a run's record: nobody goes through more at once."""


class NoCorrections(Exception):  # noqa: N818 - it says what happened
    """A run that trains on corrections has found none; the message says what to do."""


@dataclass(frozen=True)
class CorrectionSplit:
    """Corrections to train on and to evaluate with.

    `sample_ids` has one `<content hash>:<class>` for each picture of `train`. `held_out` is never
    trained on. `quarantined` holds the ids of those whose labels look wrong, oldest first: they
    are in neither. Labels are numbers in `classes.names`.
    """

    train: fashion_mnist.Split
    sample_ids: list[str]
    held_out: fashion_mnist.Split
    quarantined: list[int]
    classes: RunClasses

    def summary(self) -> dict[str, Any]:
        """Return how many of each there are and the newest that are quarantined, for a run's
        record.
        """
        return {
            "used": len(self.train.labels),
            "held_out": len(self.held_out.labels),
            "quarantined": len(self.quarantined),
            "quarantined_ids": self.quarantined[: -_LISTED - 1 : -1],
        }

    def classes_summary(self) -> dict[str, Any]:
        """Return which classes are learned from corrections, and which wait, for a run's record."""
        return {"included": list(self.classes.learned), "waiting": self.classes.waiting}

    def held_out_of_learned(self) -> fashion_mnist.Split:
        """Return the held-out pictures of the classes that are learned from corrections alone."""
        rows = self.held_out.labels >= self.classes.originals
        return fashion_mnist.Split(self.held_out.images[rows], self.held_out.labels[rows])

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps, so that a resumed run trains on the same pictures."""
        return {
            "train": vars(self.train),
            "sample_ids": self.sample_ids,
            "held_out": vars(self.held_out),
            "quarantined_ids": self.quarantined,
            "classes": vars(self.classes),
        }

    @staticmethod
    def from_state_dict(state: dict[str, Any]) -> "CorrectionSplit":
        """Rebuild a split from its state_dict. Raises KeyError for that of an earlier release."""
        return CorrectionSplit(
            train=fashion_mnist.Split(**state["train"]),
            sample_ids=state["sample_ids"],
            held_out=fashion_mnist.Split(**state["held_out"]),
            quarantined=state["quarantined_ids"],
            classes=run_classes.with_todays_names(RunClasses(**state["classes"])),
        )


def split_corrections(
    champion: Model | None, dataset: fashion_mnist.FashionMNIST, *, for_training: bool = True
) -> CorrectionSplit:
    """Split the stored corrections, and quarantine those that look wrong to the champion.

    Those that an earlier run quarantined are looked at anew: the champion or the corrections beside
    them may have changed, so that they look right now.

    Without `for_training`, `train` is empty, `held_out` is as with it, and no class is learned from
    corrections alone. Raises corrections.StoreUnavailable, but only with `for_training`: a damaged
    store must not keep a model from being trained on the originals.
    """
    originals = dataset.class_names
    try:
        candidates = tuple(run_classes.candidates(originals))
        usable = corrections.usable(candidates, with_quarantined=True)
    except corrections.StoreUnavailable:
        if for_training:
            raise
        none = fashion_mnist.Split(dataset.train.images[:0], dataset.train.labels[:0])
        return CorrectionSplit(none, [], none, [], RunClasses(originals, len(originals), {}))
    is_trusted = ~usable.quarantined
    if champion is not None:
        reasons = label_noise.find_suspects(champion, dataset.train, usable, candidates)
        cleared = set(usable.ids[usable.quarantined].tolist()) - set(reasons)
        quarantined = corrections.quarantine(reasons, cleared)
        is_trusted = ~np.isin(usable.ids, quarantined)
    trusted = np.bincount(usable.labels[is_trusted], minlength=len(candidates)).tolist()
    others = dict(zip(candidates, trusted, strict=True)) if for_training else {}
    for name in originals:
        others.pop(name, None)
    chosen = run_classes.choose(originals, others, champion.class_names if champion else ())
    numbers = np.array([_index(chosen.names, name) for name in candidates], np.int64)
    labels = numbers[usable.labels]
    is_known = is_trusted & (labels >= 0)
    is_train = is_known & ~usable.held_out & for_training
    return CorrectionSplit(
        train=_select(usable, labels, is_train),
        sample_ids=[
            f"{usable.content_hashes[row]}:{chosen.names[labels[row]]}"
            for row in np.flatnonzero(is_train)
        ],
        held_out=_select(usable, labels, is_known & usable.held_out),
        quarantined=usable.ids[~is_trusted].tolist(),
        classes=chosen,
    )


def _index(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


def _select(
    usable: corrections.Usable, labels: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]
) -> fashion_mnist.Split:
    return fashion_mnist.Split(
        torch.from_numpy(usable.images[chosen]), torch.from_numpy(labels[chosen])
    )
