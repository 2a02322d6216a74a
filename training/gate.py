"""The gate: a new version is promoted automatically only if it is not worse than the champion.

Both classify the same pictures: the validation split, which no run trains on, and the corrections
that are held out. The test set is not used: it is for the final metrics.

The two are compared on the classes that both know, by today's names. A class that is new has bars
of its own, and a version that has lost a class is held back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.nn.functional import pad

from training import evaluation
from training.calibration import calibration_error
from training.data import fashion_mnist
from training.evaluation import confusion_matrix, per_class_accuracy, predict
from training.feedback.run_classes import output_rows, todays_name, translate
from training.feedback.run_data import concatenate
from training.gate_examples import Differences
from training.model.networks import Network
from training.store import numbers
from training.store.versions import Model

ACCURACY_LOSS = 0.003
"""How much lower accuracy may be, 0..1. About what another seed changes."""

CLASS_LOSS = 0.03
"""How much lower one class's accuracy may be."""

CALIBRATION_LOSS = 0.02
"""How much higher the expected calibration error may be."""

NEW_CLASS_ACCURACY = 0.7
"""The least accuracy on a new class's held-out corrections. Of ten pictures about two are held out:
then both must be right, of four three."""

MIN_NEW_CLASS_PICTURES = 2
"""With fewer held-out corrections a new class's accuracy is not measured."""

TAKEN = 0.01
"""Share of the other classes' validation pictures that may be classified as a new class. A class
that was learned well takes less than a thousandth; one that has become the answer to whatever looks
odd takes several hundredths."""

_ENOUGH_TO_CALIBRATE = 500
"""Pictures. The calibration error of fewer is mostly chance."""

_LISTED = 3
"""Lost classes that a reason names."""

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
class _Pictures:
    """What two versions are compared on. Labels are numbers in `names`, which end with the classes
    that only the champion knows; `shared`, bool (len(names),), are those that both know."""

    golden: fashion_mnist.Split
    held_out: fashion_mnist.Split
    names: tuple[str, ...]
    shared: torch.Tensor

    def of_shared(self) -> "_Pictures":
        """Those of classes that both know. Without such golden ones the corrections are golden."""
        golden, held_out = self._only_shared(self.golden), self._only_shared(self.held_out)
        if not len(golden.labels):
            golden, held_out = held_out, golden
        return _Pictures(golden, held_out, self.names, self.shared)

    def count(self, name: str) -> int:
        """The pictures that tell the accuracy on a class."""
        number = self.names.index(name)
        counts = [int((it.labels == number).sum()) for it in (self.golden, self.held_out)]
        return counts[0] or counts[1]

    def concatenate(self) -> fashion_mnist.Split:
        """All of them, corrections first."""
        return concatenate(self.held_out, self.golden)

    def _only_shared(self, pictures: fashion_mnist.Split) -> fashion_mnist.Split:
        rows = self.shared[pictures.labels]
        return fashion_mnist.Split(pictures.images[rows], pictures.labels[rows])


@dataclass(frozen=True)
class _Measured:
    """A version's probabilities, float (N, C), a column for each of `_Pictures.names`."""

    golden: torch.Tensor
    held_out: torch.Tensor

    def of_shared(self, pictures: _Pictures) -> "_Measured":
        """Those of the pictures in `pictures.of_shared()`."""
        golden = self.golden[pictures.shared[pictures.golden.labels]]
        held_out = self.held_out[pictures.shared[pictures.held_out.labels]]
        return _Measured(golden, held_out) if len(golden) else _Measured(held_out, golden)

    def by_class(self, convert: Callable[[torch.Tensor], torch.Tensor]) -> "_Measured":
        """Convert a version's outputs, so that there is a column for each of the names."""
        return _Measured(convert(self.golden), convert(self.held_out))

    def concatenate(self) -> torch.Tensor:
        """Those of all pictures, corrections first."""
        return torch.cat([self.held_out, self.golden])

    def figures(self, pictures: _Pictures) -> dict[str, Any]:
        """Accuracy, calibration error, accuracy by class, accuracy on corrections."""
        golden, held_out = pictures.golden.labels, pictures.held_out.labels
        corrected = None
        if len(held_out):
            corrected = evaluation.evaluate(self.held_out, held_out)["accuracy"]
        return {
            "accuracy": evaluation.evaluate(self.golden, golden)["accuracy"],
            "calibration_error": calibration_error(self.golden, golden),
            # Golden pictures of own classes there are none.
            "per_class": {
                **per_class_accuracy(confusion_matrix(self.held_out, held_out), pictures.names),
                **per_class_accuracy(confusion_matrix(self.golden, golden), pictures.names),
            },
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

    `golden` is the validation split, `held_out` the held-out corrections, which may be empty. Their
    labels number `class_names`, the outputs of the network.
    """
    names = tuple(class_names)
    if champion is None:
        every = _Pictures(golden, held_out, names, torch.ones(len(names), dtype=torch.bool))
        after = _measure(network, every).figures(every)
        reason = "There is no version to compare it with."
        return _without_champion(None, True, reason, after, names, held_out)
    live, rows = numbers.name(champion.tag), output_rows(names, champion.class_names)
    lost = [name for name in map(todays_name, champion.class_names) if name and name not in names]
    both = names + tuple(dict.fromkeys(lost))
    shared = torch.tensor([row is not None for row in rows] + [False] * (len(both) - len(names)))
    pictures = _Pictures(golden, held_out, both, shared)
    old = _measure(champion.network, pictures).by_class(
        lambda outputs: translate(outputs, champion.class_names, both)
    )
    new = _measure(network, pictures).by_class(
        lambda outputs: pad(outputs, (0, len(both) - len(names)))
    )
    compared = pictures.of_shared()
    if not len(compared.golden.labels):
        after = new.figures(pictures)
        reason = f"It knows other classes than {live}, so the two cannot be compared."
        return _without_champion(champion.tag, False, reason, after, names, held_out)
    before = old.of_shared(pictures).figures(compared)
    after = new.of_shared(pictures).figures(compared)
    new_classes = {
        name: _new_class(number, pictures, new)
        for number, name in enumerate(names)
        if rows[number] is None
    }
    objections = [
        *_objections(before, after, compared, live),
        *_objections_to_classes(new_classes, lost, live),
    ]
    figures = _paired(before, after, names, compared.held_out)
    everything, corrections = pictures.concatenate(), len(held_out.labels)
    before_all, after_all = old.concatenate(), new.concatenate()
    differences = Differences(everything, pictures.names, corrections, before_all, after_all)
    return GateDecision(
        champion=champion.tag,
        promoted=not objections,
        reasons=objections or [_approval(before, after, new_classes, live)],
        figures={**figures, "new_classes": new_classes},
        better=differences.of_each_class(right=after_all),
        worse=differences.of_each_class(right=before_all),
    )


def _measure(network: Network, pictures: _Pictures) -> _Measured:
    return _Measured(
        predict(network, pictures.golden.images), predict(network, pictures.held_out.images)
    )


def _new_class(number: int, pictures: _Pictures, measured: _Measured) -> dict[str, Any]:
    """How a new class does on its pictures, and which share of the other classes' it takes."""
    everything = measured.concatenate()
    labels = pictures.concatenate().labels
    is_it = everything.argmax(1) == number
    count = int((labels == number).sum())
    others = measured.of_shared(pictures).golden.argmax(1)
    return {
        "count": count,
        "accuracy": float(is_it[labels == number].double().mean()) if count else None,
        "taken": float((others == number).double().mean()),
    }


def _objections(
    before: dict[str, Any], after: dict[str, Any], pictures: _Pictures, live: str
) -> list[str]:
    """Return the reasons against the new version, a sentence each, from the classes both know."""
    found, worse = [], partial(_worse, live)
    if before["accuracy"] - after["accuracy"] > ACCURACY_LOSS + _ROUNDING:
        found.append(worse("Accuracy", before["accuracy"], after["accuracy"]))
    for name, accuracy in after["per_class"].items():
        lost = before["per_class"][name] - accuracy
        if lost > CLASS_LOSS + _ROUNDING and lost * pictures.count(name) > 1 + _ROUNDING:
            found.append(worse(f"Accuracy on {name}", before["per_class"][name], accuracy))
    if after["corrections"] is not None and after["corrections"] < before["corrections"]:
        found.append(
            worse("Accuracy on test corrections", before["corrections"], after["corrections"])
        )
    calibration_loss = after["calibration_error"] - before["calibration_error"]
    is_measured = len(pictures.golden.labels) >= _ENOUGH_TO_CALIBRATE
    if is_measured and calibration_loss > CALIBRATION_LOSS + _ROUNDING:
        found.append(
            worse("Calibration error", before["calibration_error"], after["calibration_error"])
        )
    return found


def _objections_to_classes(
    new_classes: dict[str, dict[str, Any]], lost: Sequence[str], live: str
) -> list[str]:
    """Return the reasons against the new version from the classes that only one of them knows."""
    found = []
    if lost:
        names = ", ".join(lost[:_LISTED]) + (" and others" if len(lost) > _LISTED else "")
        found.append(f"It no longer knows {names}, which {live} knows.")
    for name, figures in new_classes.items():
        count, accuracy, taken = figures["count"], figures["accuracy"], figures["taken"]
        if count >= MIN_NEW_CLASS_PICTURES and accuracy < NEW_CLASS_ACCURACY - _ROUNDING:
            found.append(
                f"{_percent(accuracy)} of the {count} test pictures of {name}, a new class, are "
                f"right. It needs {_percent(NEW_CLASS_ACCURACY)}."
            )
        if taken > TAKEN + _ROUNDING:
            found.append(
                f"{_percent(taken)} of the other classes' validation pictures are classified as "
                f"{name}, a new class. At most {_percent(TAKEN)} may be."
            )
    return found


def _worse(live: str, metric: str, before: float, after: float) -> str:
    return f"{metric}: {_percent(after)} ({live}: {_percent(before)})."


def _approval(
    before: dict[str, Any],
    after: dict[str, Any],
    new_classes: dict[str, dict[str, Any]],
    live: str,
) -> str:
    """Return why the new version passes, in a few sentences."""
    compared = f"{_percent(after['accuracy'])} vs {_percent(before['accuracy'])}"
    if after["accuracy"] > before["accuracy"] + ACCURACY_LOSS:
        message = f"More accurate: {compared}."
    else:
        limit = 100 * ACCURACY_LOSS
        message = f"About as accurate: {compared}, within the {limit:g}-point limit."
    if after["corrections"] is not None:
        message += (
            f" Test corrections: {_percent(after['corrections'])} right "
            f"({live}: {_percent(before['corrections'])})."
        )
    for name, figures in new_classes.items():  # how the others did, their figures say
        if figures["count"] < MIN_NEW_CLASS_PICTURES:
            message += f" New class {name}: too few test pictures to measure."
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
    nothing: dict[str, Any] = {**dict.fromkeys(after), "per_class": {}}
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
            name: {"before": before["per_class"].get(name), "after": after["per_class"].get(name)}
            for name in class_names
        },
        "corrections": {"count": len(held_out.labels), **pair("corrections")},
        "new_classes": {},
    }
