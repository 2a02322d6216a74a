"""Corrections that look wrong, found before a run trains on them.

Two witnesses speak about each: the pictures that the champion takes for most alike, among the
other corrections and the training pictures, with their labels; and the champion's own calibrated
confidence. A correction looks wrong when both contradict it. A new way of drawing passes, since
its own kind stands beside it, however sure the champion is of something else.

It is never deleted: it waits, with the reason, until a person accepts it.
"""

import torch

from training import data
from training.corrections import Usable
from training.evaluation import features, predict
from training.model_store import Model

_NEIGHBOURS = 10
_SUPPORT = 0.05
"""Of the neighbours, weighted by nearness, that must share a label for it to be believed."""

_DOUBT = 0.03
"""A probability of the label below this contradicts it."""

_ORIGINALS_A_CLASS = 20
"""Training pictures that are asked. More would outvote the first few of a new way of drawing: with
1,000 a seventh of right ones looked wrong, with 20 a thirtieth at most, and as many wrong ones."""

_BURST_SECONDS = 10.0
_BURST_SIZE = 10
_BURST_SHARE = 0.5
"""So many corrections with one label within so many seconds, this share of which looks wrong, are
one person's mistake or mischief: all of them wait."""

_AT_ONCE = 1_000
"""Corrections that are compared together, so that memory does not grow with their number."""


def suspicions(champion: Model, originals: data.Split, taught: Usable) -> dict[int, str]:
    """The reason, a sentence, for each correction that looks wrong, by its id.

    Those that a person has accepted are never among them, but they bear witness.
    """
    if not len(taught.ids):
        return {}
    images, labels = torch.from_numpy(taught.images), torch.from_numpy(taught.labels)
    witnesses = _some_of_each_class(originals)
    support, likeliest = _neighbours_say(
        features(champion.network, images),
        labels,
        features(champion.network, witnesses.images),
        witnesses.labels,
        len(champion.class_names),
    )
    probabilities = predict(champion.network, images)
    believed = probabilities[torch.arange(len(labels)), labels]
    looks_wrong = (support < _SUPPORT) & (believed < _DOUBT)
    reasons = {}
    for row in looks_wrong.nonzero().flatten().tolist():
        confidence, answer = probabilities[row].max(0)
        reasons[row] = (
            f"The pictures most like it are labelled {champion.class_names[likeliest[row]]}, and "
            f"the model says {champion.class_names[answer]} with {confidence:.0%}."
        )
    reasons = _bursts(taught, looks_wrong) | reasons
    return {int(taught.ids[row]): why for row, why in reasons.items() if not taught.accepted[row]}


def _neighbours_say(
    taught: torch.Tensor,
    labels: torch.Tensor,
    witnesses: torch.Tensor,
    witness_labels: torch.Tensor,
    classes: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """For each of N corrections: the share of its neighbours with its label, and their favourite.

    Features, float (N, F) and (M, F), of length 1; labels, int64 (N,) and (M,). Returns float (N,)
    and int64 (N,). A neighbour's weight falls with its distance: the tenth is the measure.
    """
    everybody = torch.cat([taught, witnesses])
    everybody_says = torch.cat([labels, witness_labels])
    shares = []
    for rows in torch.arange(len(taught)).split(_AT_ONCE):
        likeness = taught[rows] @ everybody.T
        likeness[torch.arange(len(rows)), rows] = -1  # nobody bears witness to himself
        nearest, which = likeness.topk(_NEIGHBOURS, dim=1)
        distance = 1 - nearest
        weight = torch.exp(-distance / distance[:, -1:].clamp_min(1e-6))
        votes = torch.zeros(len(rows), classes)
        votes.scatter_add_(1, everybody_says[which], weight)
        shares.append(votes / votes.sum(1, keepdim=True))
    share = torch.cat(shares)
    return share[torch.arange(len(labels)), labels], share.argmax(1)


def _some_of_each_class(pictures: data.Split) -> data.Split:
    """The first _ORIGINALS_A_CLASS of each class."""
    some = torch.cat(
        [
            (pictures.labels == label).nonzero().flatten()[:_ORIGINALS_A_CLASS]
            for label in pictures.labels.unique()
        ]
    )
    return data.Split(pictures.images[some], pictures.labels[some])


def _bursts(taught: Usable, looks_wrong: torch.Tensor) -> dict[int, str]:
    """A reason for each correction, by its row, that came in a burst most of which looks wrong."""
    reasons = {}
    for label in sorted(set(taught.labels.tolist())):
        rows = [row for row in range(len(taught.labels)) if taught.labels[row] == label]
        for burst in _within(rows, taught):
            wrong = int(looks_wrong[burst].sum())
            if len(burst) >= _BURST_SIZE and wrong >= _BURST_SHARE * len(burst):
                why = (
                    f"It is one of {len(burst)} with this class that came within seconds, and "
                    f"{wrong} of them look wrong."
                )
                reasons.update(dict.fromkeys(burst, why))
    return reasons


def _within(rows: list[int], taught: Usable) -> list[list[int]]:
    """Rows, in the order in which they came, cut into bursts of at most _BURST_SECONDS."""
    bursts: list[list[int]] = []
    for row in sorted(rows, key=lambda row: float(taught.created_at[row])):
        is_late = bursts and taught.created_at[row] - taught.created_at[bursts[-1][0]] > (
            _BURST_SECONDS
        )
        if bursts and not is_late:
            bursts[-1].append(row)
        else:
            bursts.append([row])
    return bursts
