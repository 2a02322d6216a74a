"""The label-noise filter: finds corrections whose label looks wrong, before a run trains on them.

A label looks wrong when two things contradict it: the labels of the nearest neighbours in the
champion's feature space, among other corrections and training pictures; and the champion's own
calibrated confidence. A new kind of drawing passes, since its own kind is among its neighbours,
however confident the champion is of another class.

Many wrong corrections of one kind that arrive in a burst are each other's neighbours, so in a burst
the champion's confidence alone decides: it is seldom high for a kind of drawing that is new to it.

No correction is deleted: it waits, with the reason, until a person accepts it, or until a later run
finds that its label looks right: more of its kind may have been taught since.
"""

from collections.abc import Sequence
from functools import partial

import torch

from training.data import fashion_mnist
from training.evaluation import extract_features
from training.feedback import run_classes
from training.store.corrections import Usable
from training.store.versions import Model

_NEIGHBOURS = 10
_MIN_NEIGHBOUR_SHARE = 0.05
"""Share of the neighbours, weighted by nearness, with the label; below, they contradict it."""

_MIN_PROBABILITY = 0.03
"""A probability of the label below this contradicts it."""

_ORIGINALS_PER_CLASS = 20
"""Training pictures among the possible neighbours. More would outvote the first few of a new kind
of drawing: with 1,000, a seventh of the correct labels looked wrong; with 20, a thirtieth at most,
and as many wrong labels were found."""

_BURST_SECONDS = 10.0
_BURST_SIZE = 10
_BURST_SHARE = 2 / 3
_CONFIDENT = 0.9
"""If at least _BURST_SIZE corrections with one class arrive within _BURST_SECONDS, and the champion
is this confident of another class for _BURST_SHARE of them, all are suspect: one person's mistake,
or an attack. Of new kinds of drawings it was that confident of another class for half of one kind
at most."""

_BATCH_SIZE = 1_000
"""Corrections that are compared together, so that memory does not grow with their number."""


def find_suspects(
    champion: Model,
    originals: fashion_mnist.Split,
    corrections: Usable,
    class_names: Sequence[str],
) -> dict[int, str]:
    """Return a reason, a sentence, for each correction whose label looks wrong, by its id.

    `class_names` are what the labels of `corrections` and `originals` number. Corrections that a
    person has accepted are never suspects, nor are those of a class that the champion does not
    know; but they count as neighbours. Those that an earlier run quarantined do not, and they are
    compared with what is no suspect itself: else wrong labels would vouch for each other.
    """
    if not len(corrections.ids):
        return {}
    known = {run_classes.todays_name(name) or name for name in champion.class_names}
    names = list(dict.fromkeys((*class_names, *sorted(known))))
    images, labels = torch.from_numpy(corrections.images), torch.from_numpy(corrections.labels)
    references = originals.first_of_each_class(_ORIGINALS_PER_CLASS)
    features, outputs = extract_features(champion.network, images)
    probabilities = run_classes.translate(outputs, champion.class_names, names)
    votes = partial(
        _neighbour_votes,
        features,
        labels,
        extract_features(champion.network, references.images)[0],
        references.labels,
        len(names),
    )
    is_known = torch.tensor([name in known for name in names])[labels]
    is_unlikely = probabilities[torch.arange(len(labels)), labels] < _MIN_PROBABILITY
    was_quarantined = torch.from_numpy(corrections.quarantined)
    neighbour_share, likeliest = votes(~was_quarantined)
    contradicted = is_known & is_unlikely & (neighbour_share < _MIN_NEIGHBOUR_SHARE)
    if was_quarantined.any():
        is_suspect = contradicted & ~torch.from_numpy(corrections.accepted)
        neighbour_share, likeliest_now = votes(~was_quarantined & ~is_suspect)
        contradicted_now = is_known & is_unlikely & (neighbour_share < _MIN_NEIGHBOUR_SHARE)
        contradicted = torch.where(was_quarantined, contradicted_now, contradicted)
        likeliest = torch.where(was_quarantined, likeliest_now, likeliest)
    confidence, answer = probabilities.max(1)
    reasons = _bursts(corrections, is_known & (answer != labels) & (confidence > _CONFIDENT))
    for row in contradicted.nonzero().flatten().tolist():
        reasons[row] = (
            f"Similar pictures are labelled {names[likeliest[row]]}, and the model "
            f"is {100 * confidence[row]:.0f} % sure of {names[answer[row]]}. "
            "Keep your label?"
        )
    return {
        int(corrections.ids[row]): why
        for row, why in reasons.items()
        if not corrections.accepted[row]
    }


def _neighbour_votes(
    features: torch.Tensor,
    labels: torch.Tensor,
    reference_features: torch.Tensor,
    reference_labels: torch.Tensor,
    classes: int,
    has_vote: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """For each of N corrections: the share of its neighbours with its label, and their top label.

    Features are float (N, F) and (M, F), of length 1; labels int64 (N,) and (M,). `has_vote`, bool
    (N,), says which corrections count as neighbours. Returns float (N,) and int64 (N,). A
    neighbour's weight falls with its distance, relative to that of the tenth.
    """
    all_features = torch.cat([features, reference_features])
    all_labels = torch.cat([labels, reference_labels])
    shares = []
    for rows in torch.arange(len(features)).split(_BATCH_SIZE):
        similarity = features[rows] @ all_features.T
        similarity[:, : len(features)][:, ~has_vote] = -1
        similarity[torch.arange(len(rows)), rows] = -1  # none is its own neighbour
        nearest, which = similarity.topk(min(_NEIGHBOURS, similarity.shape[1]), dim=1)
        distance = 1 - nearest
        weight = torch.exp(-distance / distance[:, -1:].clamp_min(1e-6))
        votes = torch.zeros(len(rows), classes)
        votes.scatter_add_(1, all_labels[which], weight)
        shares.append(votes / votes.sum(1, keepdim=True))
    share = torch.cat(shares)
    return share[torch.arange(len(labels)), labels], share.argmax(1)


def _bursts(corrections: Usable, contradicts: torch.Tensor) -> dict[int, str]:
    """A reason for each row of a burst that the champion contradicts in most rows, bool (N,)."""
    reasons = {}
    for label in sorted(set(corrections.labels.tolist())):
        rows = [row for row in range(len(corrections.labels)) if corrections.labels[row] == label]
        for burst in _split_by_time(rows, corrections):
            against = int(contradicts[burst].sum())
            if len(burst) >= _BURST_SIZE and against >= _BURST_SHARE * len(burst):
                why = (
                    f"{len(burst)} corrections with this class arrived within seconds, and the "
                    f"model is sure of another class for {against} of them. Keep your label?"
                )
                reasons.update(dict.fromkeys(burst, why))
    return reasons


def _split_by_time(rows: list[int], corrections: Usable) -> list[list[int]]:
    """Rows, oldest first, split into bursts of at most _BURST_SECONDS."""
    bursts: list[list[int]] = []
    for row in sorted(rows, key=lambda row: float(corrections.created_at[row])):
        is_late = bursts and corrections.created_at[row] - corrections.created_at[bursts[-1][0]] > (
            _BURST_SECONDS
        )
        if bursts and not is_late:
            bursts[-1].append(row)
        else:
            bursts.append([row])
    return bursts
