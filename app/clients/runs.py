"""Recipes and training runs, as the trainer describes them."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, AliasPath, AwareDatetime, Field

from app.clients.gate import Gate
from app.clients.http import ResponseModel


class Recipe(ResponseModel):
    """A way to train. `epochs` is its default.

    `from_champion`: it fine-tunes the live version, and learns from corrections.
    `estimated_seconds`: how long it takes on the trainer's machine, None before its first run.
    """

    name: str
    summary: str
    network: str
    epochs: int
    default: bool
    from_champion: bool = False
    estimated_seconds: float | None = None


class Epoch(ResponseModel):
    """One pass over the training data; the accuracies are 0..1."""

    number: int = Field(validation_alias="epoch")
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


class StartedRun(NamedTuple):
    """The run that is active now; `is_new` is False if another one was active already."""

    run_id: str
    is_new: bool


class Step(ResponseModel):
    """One training step: loss and accuracy (0..1) of its batch; `progress` of the run, 0..1."""

    epoch: int
    step: int
    loss: float
    accuracy: float
    progress: float


class Result(ResponseModel):
    """The model of a finished run; `previous_*` is the champion before, None for a first model."""

    model: str
    accuracy: float
    seconds: float
    previous_model: str | None = None
    previous_accuracy: float | None = None


class CorrectionUsage(ResponseModel):
    """The number of corrections that a run trained on, held out for testing, and quarantined
    because they look wrong; and the ids of these, newest first, at most 100.
    """

    used: int
    held_out: int
    quarantined: int
    quarantined_ids: tuple[int, ...] = ()


class RunClasses(ResponseModel):
    """The own classes that a run includes, and how many pictures the others lack."""

    included: tuple[str, ...] = ()
    waiting: Mapping[str, int] = {}


class Run(ResponseModel):
    """One training run. Times are aware datetimes, in UTC.

    `corrections` and `classes` are None until the run has loaded them, or if it does not use them;
    `gate` is None until its version has been compared with the champion.

    `resumable`: it ended early and another run can continue it. `resumes` is the id of the run
    that this one continues, None for one that started from scratch. `actor` is who started it,
    None if that is unknown. One in the `background` makes way for any other run. A run whose record
    is damaged has no known recipe, and `error` says so.
    """

    run_id: str
    state: str
    recipe: str = Field("unknown", validation_alias=AliasPath("config", "recipe"))
    epochs_planned: int = Field(0, validation_alias=AliasPath("config", "epochs"))
    seed: int = Field(0, validation_alias=AliasPath("config", "seed"))
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    progress: Annotated[float, AfterValidator(lambda share: min(max(share, 0.0), 1.0))]
    phase: str
    eta_seconds: float | None
    epochs: tuple[Epoch, ...]
    result: Result | None
    corrections: CorrectionUsage | None = None
    classes: RunClasses | None = None
    gate: Gate | None = None
    error: str | None
    resumable: bool
    resumes: str | None = Field(None, validation_alias=AliasPath("config", "resume"))
    actor: str | None = None
    background: bool = False

    @property
    def is_active(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in ("queued", "running")

    @property
    def epochs_done(self) -> int:
        """The number of finished epochs, including those of the run that it continues."""
        return self.epochs[-1].number if self.epochs else 0

    @property
    def seconds(self) -> float | None:
        """The duration, None until it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()
