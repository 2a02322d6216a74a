"""The trainer's calls about runs and models, with typed responses."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AliasPath, AwareDatetime, Discriminator, Field, Tag

from app.clients.gate import Gate, Report
from app.clients.http import Connection, RequestRejected, ResponseModel, connect
from app.clients.runs import CorrectionUsage as CorrectionUsage
from app.clients.runs import Epoch as Epoch
from app.clients.runs import Recipe as Recipe
from app.clients.runs import Result as Result
from app.clients.runs import Run as Run
from app.clients.runs import RunClasses as RunClasses
from app.clients.runs import StartedRun as StartedRun
from app.clients.runs import Step as Step
from app.text.translate import N_

PROMOTE_SECONDS = 60.0  # every worker loads the model before the trainer answers

NUMBERS_SECONDS = 2.0  # a tag stands in for a number that takes longer

RECENT_RUNS = 200
"""A page asks for the runs every second or so: thousands would take it too long."""

OWN_RECIPE = "own"
"""The recipe that trains on a person's own pictures only."""

OWN_CLASSES = 2
"""The classes with enough pictures that this recipe needs."""


class PromotionRecord(ResponseModel):
    """A past promotion of a version: when, in place of which tag, and by whom.

    `by` is `gate` or `person`; `reason` is what that person wrote, if anything; `actor` is the
    person's name, None if it is unknown.
    """

    time: AwareDatetime
    previous: str | None
    by: str
    reason: str | None
    actor: str | None = None


class Model(ResponseModel):
    """A version in the model store. `metadata` is as training wrote it; `size_bytes` on disk.

    `status` is `champion`, `candidate` (held back by the gate and never live), `former` (live
    once) or `stored`. `gate` is None for a version that was never compared; `promotions` are oldest
    first. `accuracy` and `per_class_accuracy` are shares of the test pictures, 0..1; these,
    `class_names` and `epochs` are empty if training did not store them. `verified`: its files have
    the checksums that were stored with it. `error` says what is damaged and what to do, None if it
    is whole. `number` counts up from 1; None from a trainer that does not number them yet.
    """

    number: int | None = None
    tag: str
    version: str
    champion: bool
    status: str = Field(
        default_factory=lambda known: "champion" if known.get("champion") else "stored"
    )
    created_at: AwareDatetime
    metadata: Mapping[str, Any]
    gate: Gate | None = Field(None, validation_alias=AliasPath("metadata", "gate"))
    promotions: tuple[PromotionRecord, ...] = ()
    size_bytes: int
    class_names: tuple[str, ...] = Field((), validation_alias=AliasPath("metadata", "class_names"))
    accuracy: float | None = Field(None, validation_alias=AliasPath("metadata", "accuracy"))
    per_class_accuracy: Mapping[str, float] = Field(
        {}, validation_alias=AliasPath("metadata", "per_class_accuracy")
    )
    epochs: tuple[Epoch, ...] = Field((), validation_alias=AliasPath("metadata", "learning_curves"))
    verified: bool = True
    error: str | None = None

    @property
    def name(self) -> str:
        """What people call it: `v4`."""
        return self.version if self.number is None else f"v{self.number}"


class Promotion(ResponseModel):
    """The effect of a promotion: `workers` serve the version after `seconds`.

    `detail` is a sentence where not every worker does.
    """

    workers: int = 0
    seconds: float = 0.0
    detail: str | None = None


class _OtherEvent(ResponseModel):
    type: str


def _event_kind(event: Any) -> str:
    return "step" if isinstance(event, dict) and event.get("type") == "step" else "other"


_Event = Annotated[
    Annotated[Step, Tag("step")] | Annotated[_OtherEvent, Tag("other")],
    Discriminator(_event_kind),
]


class _Events(ResponseModel):
    events: tuple[_Event, ...]
    next: int


class _Recipes(ResponseModel):
    recipes: list[Recipe]


class _Runs(ResponseModel):
    runs: list[Run]


class _Models(ResponseModel):
    models: list[Model]


class ModelPage(_Models):
    """Versions, newest first, of `total` in the store; `champion` is the tag of the live one."""

    champion: str | None
    total: int


class _Numbers(ResponseModel):
    numbers: dict[str, int]


class _RunId(ResponseModel):
    run_id: str


def recipes() -> list[Recipe]:
    """The ways to train. Raises ServiceError."""
    return _trainer().fetch(_Recipes, "GET", "/recipes").recipes


def runs(limit: int = RECENT_RUNS) -> list[Run]:
    """The newest runs, newest first, the active one among them. Raises ServiceError."""
    return _trainer().fetch(_Runs, "GET", "/runs", params={"limit": limit}).runs


def run(run_id: str) -> Run:
    """One run. Raises ServiceError: RequestRejected if there is no such run."""
    return _trainer().fetch(Run, "GET", _run_path(run_id))


def steps(run_id: str, after: int) -> tuple[list[Step], int]:
    """The steps of a run after event number `after`, and the number of its last event.

    Raises ServiceError.
    """
    path = f"{_run_path(run_id)}/events"
    found = _trainer().fetch(_Events, "GET", path, params={"after": after})
    return [event for event in found.events if isinstance(event, Step)], found.next


def models() -> list[Model]:
    """Every version, newest first. Raises ServiceError."""
    return _trainer().fetch(_Models, "GET", "/models").models


def model_page(offset: int, limit: int) -> ModelPage:
    """At most `limit` versions, newest first, without the first `offset`. Raises ServiceError."""
    return _trainer().fetch(ModelPage, "GET", "/models", params={"offset": offset, "limit": limit})


def model(version: str) -> Model:
    """One version, by its tag, the tag's last part or its number.

    Raises ServiceError: RequestRejected if there is no such version.
    """
    return _trainer().fetch(Model, "GET", _model_path(version))


def version_numbers() -> dict[str, int]:
    """The number of every version, by the last part of its tag. Raises ServiceError."""
    found = _trainer().fetch(_Numbers, "GET", "/models/numbers", read_seconds=NUMBERS_SECONDS)
    return found.numbers


def report(version: str) -> Report:
    """The gate's report about `version`. Raises ServiceError: RequestRejected if it has none."""
    return _trainer().fetch(Report, "GET", f"{_model_path(version)}/report")


def start(
    recipe: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    *,
    corrections: bool | None = None,
) -> StartedRun:
    """Start a run; or return the active one, if there is one.

    `corrections`: whether it learns from them too. None leaves a choice to the trainer. Raises
    ServiceError: RequestRejected if the recipe needs a version or corrections that do not exist.
    """
    chosen = {"recipe": recipe, "epochs": epochs, "seed": seed, "corrections": corrections}
    return _start_run({name: value for name, value in chosen.items() if value is not None})


def resume(run_id: str) -> StartedRun:
    """Start a run that continues one that ended early; or return the active one.

    Raises ServiceError: RequestRejected if that run
    left no checkpoint.
    """
    return _start_run({"resume": run_id})


def cancel(run_id: str) -> None:
    """Cancel a run; one that has ended already stays as it is. Raises ServiceError."""
    try:
        _trainer().send("POST", f"{_run_path(run_id)}/cancel")
    except RequestRejected as error:
        if error.status != 409:
            raise


def promote(version: str, reason: str | None = None) -> Promotion:
    """Promote `version`, and wait until every worker serves it. Raises ServiceError.

    `reason` is stored with the promotion.
    """
    body = {} if reason is None else {"json": {"reason": reason}}
    path = f"{_model_path(version)}/promote"
    return _trainer().fetch(Promotion, "POST", path, read_seconds=PROMOTE_SECONDS, **body)


def _start_run(body: dict[str, Any]) -> StartedRun:
    try:
        return StartedRun(_trainer().fetch(_RunId, "POST", "/runs", json=body).run_id, is_new=True)
    except RequestRejected as error:
        if error.status == 409 and "run_id" in error.details:
            return StartedRun(str(error.details["run_id"]), is_new=False)
        raise


def _run_path(run_id: str) -> str:
    return f"/runs/{quote(run_id, safe='')}"


def _model_path(version: str) -> str:
    return f"/models/{quote(version, safe='')}"


def _trainer() -> Connection:
    return connect(N_("The trainer"), "TRAINER_URL")
