"""Training runs and recipes."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    Field,
    SkipValidation,
    model_validator,
)
from typing_extensions import TypedDict

from service.trainer_api.schemas.base import Actor, Body, Name, Ratio, Tag, Time
from service.trainer_api.schemas.gate import Gate
from training.recipes import RECIPES

RunState = Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]


class RunRequest(Body):
    """A training run, or the run to go on with. Everything is optional."""

    recipe: Name | None = Field(default=None, description="A name of `GET /recipes`.")
    epochs: int | None = Field(
        default=None,
        ge=1,
        le=1_000,
        description="Passes over the training pictures. Default: the recipe's.",
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        le=2**32 - 1,
        description="The same seed gives the same result.",
    )
    corrections: bool | None = Field(
        default=None,
        description="Train on corrections too, and on classes of your own. Default: only if the "
        "recipe starts from the live version, or uses corrections alone; such a recipe always "
        "does.",
    )
    resume: Name | None = Field(
        default=None,
        description="The `run_id` of a run that ended early. It goes on after its last finished "
        "epoch, with its own settings: send no others.",
    )

    @model_validator(mode="after")
    def _check(self) -> "RunRequest":
        if self.resume is not None:
            if self.model_fields_set != {"resume"}:
                raise ValueError(
                    "'resume' is the run_id of a run, and stands alone: the run keeps its settings."
                )
            return self
        if self.recipe is not None and self.recipe not in RECIPES:
            raise ValueError(f"There is no recipe {self.recipe!r}. Choose {', '.join(RECIPES)}.")
        if self.recipe and RECIPES[self.recipe].needs_corrections and self.corrections is False:
            raise ValueError(f"The recipe {self.recipe} always trains on corrections.")
        return self


class RunStarted(BaseModel):
    """The new run."""

    run_id: str


class RunCancelled(BaseModel):
    """How the run ended: `cancelled`, unless it finished by itself just before."""

    run_id: str
    state: RunState


class RunConfig(TypedDict, total=False):
    """The settings of a run."""

    recipe: str
    epochs: int
    seed: int
    corrections: Annotated[bool, Field(description="Whether it trains on corrections.")]
    champion: Annotated[Tag | None, Field(description="The version that it starts from, if any.")]
    resume: Annotated[str, Field(description="The run that it goes on with, if any.")]


class EpochFigures(TypedDict, total=False):
    """The figures of one finished epoch."""

    epoch: int
    loss: float
    accuracy: Ratio
    validation_loss: float
    validation_accuracy: Ratio


class CorrectionCounts(TypedDict, total=False):
    """What a run made of the corrections."""

    used: Annotated[int, Field(description="Trained on.")]
    held_out: Annotated[int, Field(description="Test corrections: measured with, not trained on.")]
    quarantined: Annotated[
        int, Field(description="Need a review: `GET /corrections?state=quarantined` says why.")
    ]
    quarantined_ids: Annotated[
        list[int], Field(description="Their ids, newest first, at most 100.")
    ]


class RunClasses(TypedDict, total=False):
    """What a run made of the classes that only corrections show."""

    included: Annotated[list[str], Field(description="Learned.")]
    waiting: Annotated[
        dict[str, int],
        Field(description="Not learned yet, and how many pictures each lacks: it takes 10."),
    ]


class RunResult(TypedDict, total=False):
    """The version that a run made."""

    model: Tag
    accuracy: Annotated[
        Ratio,
        Field(description="On the test pictures; on the test corrections for the recipe `own`."),
    ]
    seconds: float
    epochs: int
    previous_model: Annotated[Tag | None, Field(description="The live version before it.")]
    previous_accuracy: Ratio | None


class Run(BaseModel):
    """A training run."""

    run_id: str = Field(description="Sorts by age.")
    state: RunState = Field(
        description="`failed`: the run itself did. `interrupted`: it was stopped with the trainer."
    )
    config: SkipValidation[RunConfig]
    created_at: Time
    started_at: Time | None
    ended_at: Time | None
    pid: int | None = Field(description="The process.")
    phase: str
    progress: Ratio
    estimated_seconds: float | None = Field(
        description="How long it was expected to take when it was started, as `GET /recipes` says."
    )
    eta_seconds: float | None = Field(
        description="Until the end of the run, estimated from the pace of the last seconds and "
        "from how long such runs take."
    )
    loss: float | None = Field(description="Of the last training batch that was reported.")
    accuracy: Ratio | None = Field(description="Of the same batch.")
    epochs: SkipValidation[list[EpochFigures]]
    corrections: SkipValidation[CorrectionCounts | None]
    classes: SkipValidation[RunClasses | None]
    gate: SkipValidation[Gate | None]
    result: SkipValidation[RunResult | None] = Field(description="Once it has succeeded.")
    error: str | None = Field(description="Why it did not succeed.")
    actor: Actor
    background: bool = Field(
        description="Whether it trains in the background: it makes way for any other run, and goes "
        "on after it as a new run."
    )
    resumable: bool = Field(description="Whether `POST /runs` with `resume` can go on with it.")


class Runs(BaseModel):
    """Every run, newest first."""

    runs: list[Run]


class Event(TypedDict, total=False):
    """A `phase` or an `epoch` of a run, or one optimizer `step`."""

    n: Annotated[int, Field(ge=1)]
    type: Literal["phase", "step", "epoch"]
    time: Time
    phase: str
    epoch: int
    step: Annotated[int, Field(description="Counted from 1 in each epoch.")]
    loss: float
    accuracy: Ratio
    progress: Ratio
    validation_loss: float
    validation_accuracy: Ratio


class Events(BaseModel):
    """Events, oldest first."""

    events: SkipValidation[list[Event]]
    next: int = Field(description="`after` of the next request.")


class RecipeSummary(BaseModel):
    """A way to train."""

    name: str
    summary: str
    network: str
    epochs: int
    default: bool
    from_champion: bool = Field(description="Whether it starts from the live version.")
    from_corrections: bool = Field(
        description="Whether it uses corrections alone, without Fashion-MNIST."
    )
    estimated_seconds: float | None = Field(
        description="How long it takes on this machine, from the request to the new version: the "
        "median of its last five runs with these epochs that finished. None before the first."
    )


class Recipes(BaseModel):
    """The values of `recipe` in `POST /runs`."""

    recipes: list[RecipeSummary]
