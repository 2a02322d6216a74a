"""The trainer's state at one moment, as the Retrain page shows it."""

from dataclasses import dataclass

from app.clients import classes, corrections, trainer
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
        return self.runs[0] if self.runs else None

    @property
    def active(self) -> Run | None:
        """The active run, None if there is none."""
        return next((run for run in self.runs if run.is_active), None)

    @property
    def ended(self) -> Run | None:
        """The latest run that has ended, but not one that only made way for another."""
        ended = (run for run in self.runs if not run.is_active)
        return next((run for run in ended if not _made_way(run)), None)

    @property
    def champion(self) -> Model | None:
        """The live version."""
        return next((model for model in self.models if model.champion), None)


def _made_way(run: Run) -> bool:
    return run.background and run.state == "interrupted"


def fetch_snapshot() -> TrainerSnapshot:
    """Ask the trainer for everything that the page shows. Raises ServiceError."""
    return TrainerSnapshot(
        trainer.recipes(),
        trainer.runs(),
        trainer.models(),
        corrections.page(limit=1),
        classes.fetch(),
    )
