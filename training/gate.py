"""The gate: a new version is served by itself only if it is not worse than the champion.

Both name the same pictures: the validation split, which no run trains on, and the corrections
that are held out. The test set is not asked: it is there for the final figure.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from training import evaluation
from training.calibration import calibration_error
from training.data import fashion_mnist
from training.evaluation import confusion_matrix, per_class_accuracy, predict
from training.model.png import encode_png
from training.store.versions import Model

ACCURACY_LOSS = 0.003
"""How much lower accuracy may be, 0..1. About what another seed changes."""

CLASS_LOSS = 0.03
"""How much lower one class's accuracy may be."""

CALIBRATION_LOSS = 0.02
"""How much higher the expected calibration error may be."""

_EXAMPLES = 3
"""Pictures that show what got better, and what got worse, for each class."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class GateDecision:
    """Whether a version may be served, why, in sentences, and the figures behind it.

    `figures` hold `before` (None without a champion) and `after` for each thing compared;
    `better` and `worse` are pictures on which the two differ.
    """

    champion: str | None
    promoted: bool
    reasons: list[str]
    figures: dict[str, Any]
    better: list[dict[str, str]]
    worse: list[dict[str, str]]

    def summary(self) -> dict[str, Any]:
        """All but the pictures, as a run and a version tell it."""
        return {
            "promoted": self.promoted,
            "reasons": self.reasons,
            "champion": self.champion,
            **self.figures,
        }

    def report(self) -> dict[str, Any]:
        """All of it."""
        return {**self.summary(), "better": self.better, "worse": self.worse}


@dataclass(frozen=True)
class _Measured:
    """One network on the golden set and on the held-out corrections."""

    golden: torch.Tensor
    held_out: torch.Tensor

    def figures(
        self, golden: fashion_mnist.Split, held_out: fashion_mnist.Split, names: Sequence[str]
    ) -> dict[str, Any]:
        confusion = confusion_matrix(self.golden, golden.labels)
        corrected = None
        if len(held_out.labels):
            corrected = evaluation.evaluate(self.held_out, held_out.labels)["accuracy"]
        return {
            "accuracy": evaluation.evaluate(self.golden, golden.labels)["accuracy"],
            "calibration_error": calibration_error(self.golden, golden.labels),
            "per_class": per_class_accuracy(confusion, tuple(names)),
            "corrections": corrected,
        }


def evaluate(
    champion: Model | None,
    network: nn.Module,
    golden: fashion_mnist.Split,
    held_out: fashion_mnist.Split,
    names: Sequence[str],
) -> GateDecision:
    """Compare a network, calibrated and on the CPU, with the champion, if there is one."""
    now = _measure(network, golden, held_out)
    after = now.figures(golden, held_out, names)
    if champion is None:
        return _without_champion(
            None, True, "There is no version to compare it with.", after, names, held_out
        )
    if champion.class_names != tuple(names):
        reason = f"It knows other classes than {champion.tag}, so the two cannot be compared."
        return _without_champion(champion.tag, False, reason, after, names, held_out)
    then = _measure(champion.network, golden, held_out)
    before = then.figures(golden, held_out, names)
    objections = _objections(before, after)
    pictures = _joined(held_out, golden)
    old, new = _everything(then), _everything(now)
    return GateDecision(
        champion=champion.tag,
        promoted=not objections,
        reasons=objections or [_approval(before, after)],
        figures=_paired(before, after, names, held_out),
        better=_examples(pictures, old, new, len(held_out.labels), names, right=new),
        worse=_examples(pictures, old, new, len(held_out.labels), names, right=old),
    )


def _measure(
    network: nn.Module, golden: fashion_mnist.Split, held_out: fashion_mnist.Split
) -> _Measured:
    corrected = predict(network, held_out.images) if len(held_out.labels) else torch.empty(0)
    return _Measured(predict(network, golden.images), corrected)


def _objections(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What speaks against the new one, a sentence each."""
    found = []
    if before["accuracy"] - after["accuracy"] > ACCURACY_LOSS + _ROUNDING:
        found.append(
            f"On validation pictures it is right {after['accuracy']:.1%} of the time, and the "
            f"version that is served {before['accuracy']:.1%}."
        )
    for name, share in after["per_class"].items():
        if before["per_class"][name] - share > CLASS_LOSS + _ROUNDING:
            found.append(
                f"It names {share:.1%} of {name} right, and the version that is served "
                f"{before['per_class'][name]:.1%}."
            )
    if after["corrections"] is not None and after["corrections"] < before["corrections"]:
        found.append(
            f"Of the corrections that are held out it names {after['corrections']:.0%} right, and "
            f"the version that is served {before['corrections']:.0%}."
        )
    if after["calibration_error"] - before["calibration_error"] > CALIBRATION_LOSS + _ROUNDING:
        found.append(
            f"Its confidence is off by {after['calibration_error']:.1%} on average, and that of "
            f"the version that is served by {before['calibration_error']:.1%}."
        )
    return found


def _approval(before: dict[str, Any], after: dict[str, Any]) -> str:
    sentence = (
        f"It is not worse: right {after['accuracy']:.1%} of the time on validation pictures, "
        f"where the version before was {before['accuracy']:.1%}"
    )
    if after["corrections"] is not None:
        sentence += (
            f", and on {after['corrections']:.0%} of the corrections that are held out, where the "
            f"version before was on {before['corrections']:.0%}"
        )
    return f"{sentence}."


def _without_champion(
    champion: str | None,
    promoted: bool,
    reason: str,
    after: dict[str, Any],
    names: Sequence[str],
    held_out: fashion_mnist.Split,
) -> GateDecision:
    nothing = {**dict.fromkeys(after), "per_class": dict.fromkeys(names)}
    figures = _paired(nothing, after, names, held_out)
    return GateDecision(champion, promoted, [reason], figures, [], [])


def _paired(
    before: dict[str, Any],
    after: dict[str, Any],
    names: Sequence[str],
    held_out: fashion_mnist.Split,
) -> dict[str, Any]:
    """Each figure before and after, in the shape that the calls tell it."""

    def pair(key: str) -> dict[str, Any]:
        return {"before": before[key], "after": after[key]}

    return {
        "accuracy": pair("accuracy"),
        "calibration_error": pair("calibration_error"),
        "per_class": {
            name: {"before": before["per_class"][name], "after": after["per_class"][name]}
            for name in names
        },
        "corrections": {"count": len(held_out.labels), **pair("corrections")},
    }


def _joined(held_out: fashion_mnist.Split, golden: fashion_mnist.Split) -> fashion_mnist.Split:
    return fashion_mnist.Split(
        torch.cat([held_out.images, golden.images]), torch.cat([held_out.labels, golden.labels])
    )


def _everything(measured: _Measured) -> torch.Tensor:
    return torch.cat([measured.held_out.reshape(-1, measured.golden.shape[1]), measured.golden])


def _examples(
    pictures: fashion_mnist.Split,
    old: torch.Tensor,
    new: torch.Tensor,
    corrections: int,
    names: Sequence[str],
    *,
    right: torch.Tensor,
) -> list[dict[str, str]]:
    """Pictures that `right` alone names right, some of each class.

    `old` and `new` are what the two say, float (N, classes), and `right` is one of them. The first
    `corrections` pictures are corrections: they come first, and then what it is surest of.
    """
    said, says = old.argmax(1).tolist(), new.argmax(1).tolist()
    confidence, answer = right.max(1)
    is_right = (answer == pictures.labels).tolist()
    rows = [row for row, good in enumerate(is_right) if good and said[row] != says[row]]
    rows.sort(key=lambda row: (row >= corrections, -float(confidence[row])))
    found, shown = [], [0] * len(names)
    for row in rows:
        label = int(pictures.labels[row])
        if shown[label] == _EXAMPLES:
            continue
        shown[label] += 1
        found.append(
            {
                "png": base64.b64encode(encode_png(pictures.images[row].numpy())).decode("ascii"),
                "label": names[label],
                "before": names[said[row]],
                "after": names[says[row]],
                "set": "correction" if row < corrections else "validation",
            }
        )
    return found
