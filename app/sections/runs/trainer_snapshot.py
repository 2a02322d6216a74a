"""The trainer's state at one moment, as the Retrain page shows it."""

from dataclasses import dataclass

from app.clients import classes, corrections, runs, trainer
from app.clients.classes import Classes
from app.clients.trainer import Model, Recipe, Run


@dataclass(frozen=True)
class TrainerSnapshot:
    """The trainer's state at one moment. `runs` are newest first.

    `corrections` is a page of the store, for its counts.
    """

    recipes: list[Recipe]
    runs: list[Run]
    models: list[Model]
    corrections: corrections.Page
    classes: Classes

    @property
    def latest(self) -> Run | None:
        """The active run, or the latest one."""
        return runs.latest(self.runs)

    @property
    def champion(self) -> Model | None:
        """The live version."""
        return next((model for model in self.models if model.champion), None)


def fetch_snapshot() -> TrainerSnapshot:
    """Ask the trainer for everything that the page shows. Raises ServiceError."""
    return TrainerSnapshot(
        trainer.recipes(),
        trainer.runs(),
        trainer.models(),
        corrections.page(limit=1),
        classes.fetch(),
    )
