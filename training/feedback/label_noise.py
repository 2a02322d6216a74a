"""Corrections that look wrong, found before a run trains on them.

Two witnesses speak about each: the pictures that the champion takes for most alike, among the
other corrections and the training pictures, with their labels; and the champion's own calibrated
confidence. A correction looks wrong when both contradict it. A new way of drawing passes, since
its own kind stands beside it, however sure the champion is of something else.

Many wrong ones of a kind that come in one burst bear each other out, so there the champion alone is
asked: it is seldom sure of a way of drawing that it does not know.

None is ever deleted: it waits, with the reason, until a person accepts it.
"""

import torch

from training.data import fashion_mnist
from training.evaluation import look
from training.store.corrections import Usable
from training.store.versions import Model

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
_BURST_SHARE = 2 / 3
_SURE = 0.9
"""Where so many corrections with one class come within so many seconds, and the champion is so sure
of another class for this share of them, all of them wait: one person's mistake, or mischief. Of
drawings it did not know it was that sure of another class for half of one kind at most."""

_AT_ONCE = 1_000
"""Corrections that are compared together, so that memory does not grow with their number."""


def find_suspects(
    champion: Model, originals: fashion_mnist.Split, taught: Usable
) -> dict[int, str]:
    """The reason, a sentence, for each correction that looks wrong, by its id.

    Those that a person has accepted are never among them, but they bear witness.
    """
    if not len(taught.ids):
        return {}
    images, labels = torch.from_numpy(taught.images), torch.from_numpy(taught.labels)
    witnesses = _some_of_each_class(originals)
    features, probabilities = look(champion.network, images)
    support, likeliest = _neighbours_say(
        features,
        labels,
        look(champion.network, witnesses.images)[0],
        witnesses.labels,
        len(champion.class_names),
    )
    believed = probabilities[torch.arange(len(labels)), labels]
    confidence, answer = probabilities.max(1)
    reasons = _bursts(taught, (answer != labels) & (confidence > _SURE))
    for row in ((support < _SUPPORT) & (believed < _DOUBT)).nonzero().flatten().tolist():
        reasons[row] = (
            f"The pictures most like it are labelled {champion.class_names[likeliest[row]]}, and "
            f"the model says {champion.class_names[answer[row]]} with {confidence[row]:.0%}."
        )
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


def _some_of_each_class(pictures: fashion_mnist.Split) -> fashion_mnist.Split:
    """The first _ORIGINALS_A_CLASS of each class."""
    some = torch.cat(
        [
            (pictures.labels == label).nonzero().flatten()[:_ORIGINALS_A_CLASS]
            for label in pictures.labels.unique()
        ]
    )
    return fashion_mnist.Split(pictures.images[some], pictures.labels[some])


def _bursts(taught: Usable, is_sure_of_another: torch.Tensor) -> dict[int, str]:
    """A reason for each correction, by its row, of a burst for most of which the champion is."""
    reasons = {}
    for label in sorted(set(taught.labels.tolist())):
        rows = [row for row in range(len(taught.labels)) if taught.labels[row] == label]
        for burst in _within(rows, taught):
            against = int(is_sure_of_another[burst].sum())
            if len(burst) >= _BURST_SIZE and against >= _BURST_SHARE * len(burst):
                why = (
                    f"It is one of {len(burst)} with this class that came within seconds, and "
                    f"for {against} of them the model is sure of another one."
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
