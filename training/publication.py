"""The end of a run: its version is stored, and promoted if the gate lets it pass."""

from dataclasses import dataclass
from typing import Any

from training import gate
from training.data.fashion_mnist import FashionMNIST
from training.description.describe import Description
from training.feedback import run_data
from training.feedback.split import CorrectionSplit
from training.model.networks import Network
from training.recipes import Recipe
from training.run_recorder import RunRecorder
from training.store import promotions, versions


@dataclass(frozen=True)
class Trained:
    """A trained network with what is stored beside it."""

    network: Network
    recipe: Recipe
    metadata: dict[str, Any]
    described: Description


def store(
    trained: Trained,
    dataset: FashionMNIST,
    split: CorrectionSplit,
    recorder: RunRecorder,
    *,
    promote: bool,
) -> tuple[str, str | None]:
    """Store a new version, and promote it if the gate lets it pass and `promote` is set.

    Returns its tag and that of the champion before it.
    """
    with versions.choosing_champion() as previous:
        decision = None
        if promote:
            # Held-out corrections are the validation pictures of a run without others.
            held_out = split.held_out if dataset.class_names else run_data.no_pictures()
            decision = gate.evaluate(
                load_champion(),
                trained.network,
                dataset.validation,
                held_out,
                split.classes.names,
            )
        summary = decision.summary() if decision else None
        recorder.phase("saving", progress=0.98, gate=summary)
        tag = versions.save(
            trained.network,
            labels={
                "framework": "pytorch",
                "dataset": run_data.name(dataset),
                "recipe": trained.recipe.name,
            },
            metadata={**trained.metadata, "gate": summary},
            accuracy_estimator=trained.described.estimator,
            familiarity=trained.described.familiarity,
            examples=trained.described.examples,
            report=decision.report() if decision else None,
        )
        if decision is not None and decision.promoted:
            versions.promote(tag)
            promotions.record(tag, previous, promotions.GATE, actor=recorder.run.actor)
    return tag, previous


def load_champion() -> versions.Model | None:
    """Load the champion; None where there is none that can be loaded."""
    tag = versions.champion()
    try:
        return None if tag is None else versions.load(tag)
    except versions.ModelError:
        return None


def previous_champion(previous: str | None) -> dict[str, Any]:
    """Return the tag and test accuracy of the champion before this run, for its result."""
    accuracy = None
    if previous is not None:
        try:
            accuracy = versions.describe(previous).metadata.get("accuracy")
        except versions.ModelError:
            previous = None
    return {"previous_model": previous, "previous_accuracy": accuracy}
