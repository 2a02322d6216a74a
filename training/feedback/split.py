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


class NoCorrections(Exception):  # noqa: N818 - it says what happened
    """A run that trains on corrections has found none; the message says what to do."""


@dataclass(frozen=True)
class CorrectionSplit:
    """Corrections to train on and to evaluate with.

    `sample_ids` has one `<content hash>:<class>` for each picture of `train`. `held_out` is never
    trained on. `quarantined` is how many have labels that look wrong, and are in neither. Labels
    are numbers in `classes.names`.
    """

    train: fashion_mnist.Split
    sample_ids: list[str]
    held_out: fashion_mnist.Split
    quarantined: int
    classes: RunClasses

    def counts(self) -> dict[str, int]:
        """Return how many of each, for a run's record."""
        used, held_out = len(self.train.labels), len(self.held_out.labels)
        return {"used": used, "held_out": held_out, "quarantined": self.quarantined}

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
            "quarantined": self.quarantined,
            "classes": vars(self.classes),
        }

    @staticmethod
    def from_state_dict(state: dict[str, Any]) -> "CorrectionSplit":
        """Rebuild a split from its state_dict. Raises KeyError for that of an earlier release."""
        return CorrectionSplit(
            train=fashion_mnist.Split(**state["train"]),
            sample_ids=state["sample_ids"],
            held_out=fashion_mnist.Split(**state["held_out"]),
            quarantined=state["quarantined"],
            classes=run_classes.with_todays_names(RunClasses(**state["classes"])),
        )


def split_corrections(
    champion: Model | None, dataset: fashion_mnist.FashionMNIST, *, for_training: bool = True
) -> CorrectionSplit:
    """Split the stored corrections, and quarantine those that look wrong to the champion.

    Without `for_training`, `train` is empty, `held_out` is as with it, and no class is learned from
    corrections alone. Raises corrections.StoreUnavailable, but only with `for_training`: a damaged
    store must not keep a model from being trained on the originals.
    """
    originals = dataset.class_names
    try:
        candidates = tuple(run_classes.candidates(originals))
        usable = corrections.usable(candidates)
    except corrections.StoreUnavailable:
        if for_training:
            raise
        none = fashion_mnist.Split(dataset.train.images[:0], dataset.train.labels[:0])
        return CorrectionSplit(none, [], none, 0, RunClasses(originals, len(originals), {}))
    is_trusted = np.ones(len(usable.ids), np.bool_)
    if champion is not None:
        reasons = label_noise.find_suspects(champion, dataset.train, usable, candidates)
        quarantined = corrections.quarantine(reasons)
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
        quarantined=int((~is_trusted).sum()),
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
