"""The trainer's state at one moment, as the Retrain page shows it."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from app.clients import classes, corrections, trainer
from app.clients.classes import Classes
from app.clients.classifier import version_of
from app.clients.http import RequestRejected
from app.clients.trainer import Model, Recipe, Run


@dataclass(frozen=True)
class TrainerSnapshot:
    """The trainer's state at one moment, while it is free for a run.

    `ended` is the latest run that has ended. `models` are the live version, the one that this run
    made and the one before it, as far as they exist. `corrections` is a page of the store, for its
    counts.
    """

    recipes: list[Recipe]
    ended: Run | None
    models: list[Model]
    corrections: corrections.Page
    classes: Classes

    @property
    def champion(self) -> Model | None:
        """The live version."""
        return next((model for model in self.models if model.champion), None)


def fetch_snapshot(runs: Sequence[Run]) -> TrainerSnapshot:
    """Ask the trainer for what the page shows besides `runs`, newest first. Raises ServiceError."""
    ended = next((run for run in runs if not run.is_active and not _made_way(run)), None)
    return TrainerSnapshot(
        trainer.recipes(),
        ended,
        _models_of(ended),
        corrections.page(limit=1),
        classes.fetch(),
    )


def active_run(runs: Sequence[Run]) -> Run | None:
    """Return the active run, None if there is none."""
    return next((run for run in runs if run.is_active), None)


def _models_of(run: Run | None) -> list[Model]:
    """Return the live version, the one that a run made, and the one before; there may be many."""
    tags = [trainer.model_page(0, 1).champion]
    if run is not None and run.result is not None:
        compared = run.gate.champion if run.gate is not None else None
        tags += [run.result.model, run.result.previous_model, compared]
    found = []
    for tag in dict.fromkeys(tags):
        if tag:
            with contextlib.suppress(RequestRejected):  # it was deleted
                found.append(trainer.model(version_of(tag)))
    return found


def _made_way(run: Run) -> bool:
    """Return whether a run only made way for another, and goes on after it."""
    return run.background and run.state == "interrupted"
