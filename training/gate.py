"""The gate: a new version is promoted automatically only if it is not worse than the champion.

Both classify the same pictures: the validation split, which no run trains on, and the corrections
that are held out. The test set is not used: it is for the final metrics.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from training import evaluation
from training.calibration import calibration_error
from training.data import fashion_mnist
from training.evaluation import confusion_matrix, per_class_accuracy, predict
from training.model.networks import Network
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
    """The decision on a version, with its reasons, in sentences, and the metrics behind it.

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
        """Return all but the pictures, for a run's record and a version's metadata."""
        return {
            "promoted": self.promoted,
            "reasons": self.reasons,
            "champion": self.champion,
            **self.figures,
        }

    def report(self) -> dict[str, Any]:
        """Return the summary and the pictures."""
        return {**self.summary(), "better": self.better, "worse": self.worse}


@dataclass(frozen=True)
class _Measured:
    """One network on the golden set and on the held-out corrections."""

    golden: torch.Tensor
    held_out: torch.Tensor

    def figures(
        self, golden: fashion_mnist.Split, held_out: fashion_mnist.Split, class_names: Sequence[str]
    ) -> dict[str, Any]:
        confusion = confusion_matrix(self.golden, golden.labels)
        corrected = None
        if len(held_out.labels):
            corrected = evaluation.evaluate(self.held_out, held_out.labels)["accuracy"]
        return {
            "accuracy": evaluation.evaluate(self.golden, golden.labels)["accuracy"],
            "calibration_error": calibration_error(self.golden, golden.labels),
            "per_class": per_class_accuracy(confusion, tuple(class_names)),
            "corrections": corrected,
        }


def evaluate(
    champion: Model | None,
    network: Network,
    golden: fashion_mnist.Split,
    held_out: fashion_mnist.Split,
    class_names: Sequence[str],
) -> GateDecision:
    """Compare a network, calibrated and on the CPU, with the champion, if there is one.

    `golden` is the validation split, `held_out` the held-out corrections, which may be empty.
    """
    now = _measure(network, golden, held_out)
    after = now.figures(golden, held_out, class_names)
    if champion is None:
        return _without_champion(
            None, True, "There is no version to compare it with.", after, class_names, held_out
        )
    if champion.class_names != tuple(class_names):
        reason = f"It knows other classes than {champion.tag}, so the two cannot be compared."
        return _without_champion(champion.tag, False, reason, after, class_names, held_out)
    then = _measure(champion.network, golden, held_out)
    before = then.figures(golden, held_out, class_names)
    objections = _objections(before, after)
    pictures = _concatenate(held_out, golden)
    old, new = _all_probabilities(then), _all_probabilities(now)
    return GateDecision(
        champion=champion.tag,
        promoted=not objections,
        reasons=objections or [_approval(before, after)],
        figures=_paired(before, after, class_names, held_out),
        better=_examples(pictures, old, new, len(held_out.labels), class_names, right=new),
        worse=_examples(pictures, old, new, len(held_out.labels), class_names, right=old),
    )


def _measure(
    network: Network, golden: fashion_mnist.Split, held_out: fashion_mnist.Split
) -> _Measured:
    corrected = predict(network, held_out.images) if len(held_out.labels) else torch.empty(0)
    return _Measured(predict(network, golden.images), corrected)


def _objections(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the reasons against the new version, a sentence each."""
    found = []
    if before["accuracy"] - after["accuracy"] > ACCURACY_LOSS + _ROUNDING:
        found.append(_worse("Accuracy", before["accuracy"], after["accuracy"]))
    for name, accuracy in after["per_class"].items():
        if before["per_class"][name] - accuracy > CLASS_LOSS + _ROUNDING:
            found.append(_worse(f"Accuracy on {name}", before["per_class"][name], accuracy))
    if after["corrections"] is not None and after["corrections"] < before["corrections"]:
        found.append(
            _worse("Accuracy on test corrections", before["corrections"], after["corrections"])
        )
    if after["calibration_error"] - before["calibration_error"] > CALIBRATION_LOSS + _ROUNDING:
        found.append(
            _worse("Calibration error", before["calibration_error"], after["calibration_error"])
        )
    return found


def _worse(metric: str, before: float, after: float) -> str:
    return f"{metric}: {_percent(after)} (live version: {_percent(before)})."


def _approval(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return why the new version passes, in a sentence or two."""
    compared = f"{_percent(after['accuracy'])} vs {_percent(before['accuracy'])}"
    if after["accuracy"] > before["accuracy"] + ACCURACY_LOSS:
        message = f"More accurate: {compared}."
    else:
        limit = 100 * ACCURACY_LOSS
        message = f"About as accurate: {compared}, within the {limit:g}-point limit."
    if after["corrections"] is not None:
        message += (
            f" Test corrections: {_percent(after['corrections'])} right "
            f"(live version: {_percent(before['corrections'])})."
        )
    return message


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _without_champion(
    champion: str | None,
    promoted: bool,
    reason: str,
    after: dict[str, Any],
    class_names: Sequence[str],
    held_out: fashion_mnist.Split,
) -> GateDecision:
    nothing = {**dict.fromkeys(after), "per_class": dict.fromkeys(class_names)}
    figures = _paired(nothing, after, class_names, held_out)
    return GateDecision(champion, promoted, [reason], figures, [], [])


def _paired(
    before: dict[str, Any],
    after: dict[str, Any],
    class_names: Sequence[str],
    held_out: fashion_mnist.Split,
) -> dict[str, Any]:
    """Each figure before and after, in the shape of the API."""

    def pair(key: str) -> dict[str, Any]:
        return {"before": before[key], "after": after[key]}

    return {
        "accuracy": pair("accuracy"),
        "calibration_error": pair("calibration_error"),
        "per_class": {
            name: {"before": before["per_class"][name], "after": after["per_class"][name]}
            for name in class_names
        },
        "corrections": {"count": len(held_out.labels), **pair("corrections")},
    }


def _concatenate(held_out: fashion_mnist.Split, golden: fashion_mnist.Split) -> fashion_mnist.Split:
    return fashion_mnist.Split(
        torch.cat([held_out.images, golden.images]), torch.cat([held_out.labels, golden.labels])
    )


def _all_probabilities(measured: _Measured) -> torch.Tensor:
    return torch.cat([measured.held_out.reshape(-1, measured.golden.shape[1]), measured.golden])


def _examples(
    pictures: fashion_mnist.Split,
    old: torch.Tensor,
    new: torch.Tensor,
    corrections: int,
    class_names: Sequence[str],
    *,
    right: torch.Tensor,
) -> list[dict[str, str]]:
    """Pictures that only `right` classifies correctly, up to _EXAMPLES of each class.

    `old` and `new` are probabilities, float (N, classes), and `right` is one of them. The first
    `corrections` pictures are corrections: they come first; the rest by descending confidence.
    """
    before, after = old.argmax(1).tolist(), new.argmax(1).tolist()
    confidence, answer = right.max(1)
    is_right = (answer == pictures.labels).tolist()
    rows = [row for row, good in enumerate(is_right) if good and before[row] != after[row]]
    rows.sort(key=lambda row: (row >= corrections, -float(confidence[row])))
    found, counts = [], [0] * len(class_names)
    for row in rows:
        label = int(pictures.labels[row])
        if counts[label] == _EXAMPLES:
            continue
        counts[label] += 1
        found.append(
            {
                "png": base64.b64encode(encode_png(pictures.images[row].numpy())).decode("ascii"),
                "label": class_names[label],
                "before": class_names[before[row]],
                "after": class_names[after[row]],
                "set": "correction" if row < corrections else "validation",
            }
        )
    return found
