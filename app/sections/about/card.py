"""The model card of a version, made from its metadata: words and figures, without a layout."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.charts.calibration import Bin
from app.clients.trainer import Model
from app.sections.about import limits
from app.sections.about.class_words import KnownClass, known_classes
from app.sections.teaching import choices
from app.text.formatting import duration, listing, moment, out_of, percent, size
from app.text.translate import N_, _, ngettext

_STATUS = {
    "champion": N_("Live"),
    "candidate": N_("Candidate"),
    "former": N_("Previously live"),
    "stored": N_("Never live"),
}
_EVEN, _MUCH = 0.01, 0.03
"""Differences of confidence and accuracy, 0..1: up to the one it counts as none, from the other on
as much."""

_MAX_COUNTED = 12
"""Classes whose corrections are counted."""


@dataclass(frozen=True)
class Card:
    """What people may want to know about a version before they rely on it.

    `bins` are None for a version that stored none. `cost` and `facts` are names and values.
    """

    name: str
    tag: str
    status: str
    trained_at: datetime
    accuracy: float | None
    test_pictures: int | None
    summary: str
    trained_on: tuple[str, ...]
    classes: tuple[KnownClass, ...]
    calibration_error: float | None
    calibration: str
    bins: tuple[Bin, ...] | None
    limits: tuple[str, ...]
    cost: Mapping[str, str]
    facts: Mapping[str, str]


def make_card(model: Model) -> Card:
    """Make the card of a version that is whole, in the visitor's language."""
    metadata, classes = model.metadata, known_classes(model)
    bins = _bins(metadata.get("calibration_bins"))
    return Card(
        name=model.name,
        tag=model.tag,
        status=_(_STATUS.get(model.status, model.status)),
        trained_at=model.created_at,
        accuracy=model.accuracy,
        test_pictures=_test_pictures(metadata),
        summary=_summary(model, classes),
        trained_on=(*_trained_on(model), *_corrections(model)),
        classes=tuple(classes),
        calibration_error=_number(metadata.get("calibration_error")),
        calibration=_calibration_words(bins, metadata),
        bins=bins,
        limits=tuple(limits.known_limits(model)),
        cost=_cost(model),
        facts=_facts(model),
    )


def recipe(model: Model) -> str:
    """Return the recipe of a version, "" if it is unknown."""
    return str(model.metadata.get("recipe") or "")


def to_json(card: Card, model: Model) -> dict[str, Any]:
    """Return a card for programs: figures with their names, and the limits in words."""
    metadata = model.metadata
    return {
        "name": card.name,
        "tag": card.tag,
        "status": model.status,
        "trained_at": card.trained_at.isoformat(),
        "intended_use": limits.intended_use(),
        "test": {"accuracy": card.accuracy, "pictures": card.test_pictures},
        "classes": [
            {
                "name": it.name,
                "accuracy": it.accuracy,
                "pictures": it.pictures,
                "precision": it.precision,
                "mistaken_for": {mistake.name: mistake.share for mistake in it.mistakes},
            }
            for it in card.classes
        ],
        "calibration": {
            "error": card.calibration_error,
            "bins": None if card.bins is None else [vars(it) for it in card.bins],
        },
        "limits": list(card.limits),
        "training": {
            name: metadata.get(name)
            for name in (
                "dataset", "recipe", "network", "epochs", "seed", "author", "duration_seconds",
                "data_fingerprint", "git_revision", "corrections_used",
            )
        },
        "cost": {
            "parameters": metadata.get("parameters"),
            "size_bytes": model.size_bytes,
            "seconds": metadata.get("serving_seconds"),
        },
    }  # fmt: skip


def _summary(model: Model, classes: list[KnownClass]) -> str:
    if model.accuracy is None:
        return _("Its accuracy is not stored.")
    pictures = _test_pictures(model.metadata)
    words = _("Names {share} of its test pictures right.")
    if pictures:
        words = _("Names {share} of {count} test pictures right.")
    sentences = [words.format(share=percent(model.accuracy), count=f"{pictures or 0:,}")]
    certain = [it for it in classes if not it.is_uncertain]
    if len(certain) > 1:
        best, worst = certain[0], certain[-1]
        sentences.append(
            _("Best at {best} ({best_share}), weakest at {worst} ({worst_share}).").format(
                best=best.name,
                best_share=percent(best.accuracy),
                worst=worst.name,
                worst_share=percent(worst.accuracy),
            )
        )
    return " ".join(sentences)


def _trained_on(model: Model) -> list[str]:
    lines = [limits.data_words(model)]
    epochs = model.metadata.get("epochs")
    if isinstance(epochs, int) and recipe(model):
        lines.append(
            ngettext(
                "The recipe is {recipe}, with {count} pass over the pictures.",
                "The recipe is {recipe}, with {count} passes over the pictures.",
                epochs,
            ).format(recipe=recipe(model), count=epochs)
        )
    return lines


def _corrections(model: Model) -> list[str]:
    """Return how many corrections it learned from, of which classes, and how well."""
    used = model.metadata.get("corrections_used") or ()
    if not used:
        return [_("It learned from no corrections.")]
    counts = Counter(str(each).partition(":")[2] for each in used).most_common()
    named = [f"{choices.current_name(name) or name} ({count})" for name, count in counts]
    lines = [
        ngettext(
            "It also learned from {count} correction: {classes}.",
            "It also learned from {count} corrections: {classes}.",
            len(used),
        ).format(count=f"{len(used):,}", classes=listing(named[:_MAX_COUNTED]))
    ]
    gate = model.gate
    if gate is not None and gate.corrections_count and gate.corrections.after is not None:
        lines.append(
            _("Test corrections, which it never learned from: {right} right.").format(
                right=out_of(gate.corrections.after, gate.corrections_count)
            )
        )
    builtin = choices.builtin()
    if builtin and (own := [name for name in model.class_names if name not in builtin]):
        today = [choices.current_name(name) or name for name in own]
        lines.append(_("Own classes: {names}.").format(names=listing(today)))
    return lines


def _calibration_words(bins: tuple[Bin, ...] | None, metadata: Mapping[str, Any]) -> str:
    if not bins:
        error = _number(metadata.get("calibration_error"))
        if error is None:
            return _("Calibration is not stored with this version.")
        return _(
            "Confidence and accuracy are {points} points apart on average. The figures behind "
            "it are not stored with this version: train a new one to see the chart."
        ).format(points=f"{error * 100:.1f}")
    total = sum(it.pictures for it in bins)
    sure = sum(it.confidence * it.pictures for it in bins) / total
    right = sum(it.accuracy * it.pictures for it in bins) / total
    if sure - right > _MUCH:
        words = _("Too sure of itself: {sure} sure on average, and right in {right} of all cases.")
    elif sure - right > _EVEN:
        words = _("A little too sure: {sure} sure on average, and right in {right} of all cases.")
    elif right - sure > _EVEN:
        words = _("Surer than it says: {sure} sure on average, and right in {right} of all cases.")
    else:
        words = _("As sure as it should be: {sure} sure on average, right in {right} of all cases.")
    return words.format(sure=percent(sure), right=percent(right))


def _cost(model: Model) -> dict[str, str]:
    metadata, seconds = model.metadata, model.metadata.get("serving_seconds")
    shown = {
        _("Parameters"): _thousands(metadata.get("parameters")),
        _("Size on disk"): size(model.size_bytes),
        _("Training took"): _duration(metadata.get("duration_seconds")),
    }
    if isinstance(seconds, Mapping) and (one := _number(seconds.get("pictures_1"))):
        shown[_("One picture")] = f"{one * 1000:.1f} ms"
        if many := _number(seconds.get("pictures_32")):
            shown[_("In batches of 32")] = _("{count} pictures/s").format(count=f"{32 / many:,.0f}")
    else:
        shown[_("One picture")] = _("Not measured")
    return {name: value for name, value in shown.items() if value}


def _facts(model: Model) -> dict[str, str]:
    metadata = model.metadata
    shown = {
        _("Trained"): moment(model.created_at),
        _("Author"): metadata.get("author"),
        _("Recipe"): metadata.get("recipe"),
        _("Network"): metadata.get("network"),
        _("Epochs"): metadata.get("epochs"),
        _("Seed"): metadata.get("seed"),
        _("Tag"): model.tag,
        _("Code"): _short(metadata.get("git_revision")),
        _("Data"): _short(metadata.get("data_fingerprint")),
        _("Checksums"): _("Match") if model.verified else _("None: stored by an earlier release"),
    }
    return {name: str(value) for name, value in shown.items() if value not in (None, "")}


def _bins(stored: object) -> tuple[Bin, ...] | None:
    if not isinstance(stored, list):
        return None
    try:
        return tuple(Bin(int(it["pictures"]), it["confidence"], it["accuracy"]) for it in stored)
    except (KeyError, TypeError, ValueError):
        return None


def _test_pictures(metadata: Mapping[str, Any]) -> int | None:
    found = metadata.get("test_pictures")
    return int(found) if isinstance(found, int) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _thousands(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, int | float) else ""


def _duration(value: object) -> str:
    return duration(value) if isinstance(value, int | float) else ""


def _short(fingerprint: object) -> str:
    return fingerprint[:12] if isinstance(fingerprint, str) else ""
