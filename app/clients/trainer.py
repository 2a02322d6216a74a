"""What the page asks of the trainer, with typed answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from app.clients.gate import Gate, Report, gate_of, report_of
from app.clients.http import Connection, Refused, connect

PROMOTE_SECONDS = 60.0  # every worker loads the model before the trainer answers

_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class Recipe:
    """A way to train. `epochs` is what it uses unless told otherwise.

    `from_champion`: it goes on from the version that is served, and learns from corrections.
    """

    name: str
    summary: str
    network: str
    epochs: int
    default: bool
    from_champion: bool


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data; the accuracies are 0..1."""

    number: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Step:
    """A moment inside an epoch: `progress` is of the whole run, 0..1."""

    epoch: int
    step: int
    loss: float
    accuracy: float
    progress: float


@dataclass(frozen=True)
class Result:
    """What a finished run made; `previous_*` is what was served before, None for a first model."""

    model: str
    accuracy: float
    seconds: float
    previous_model: str | None
    previous_accuracy: float | None


@dataclass(frozen=True)
class CorrectionUsage:
    """What a run made of the corrections: how many it trained on, how many it kept for testing,
    and how many it set aside because they look wrong.
    """

    used: int
    held_out: int
    quarantined: int


@dataclass(frozen=True)
class Run:
    """One training run, as the trainer tells it. Times are aware datetimes, in UTC.

    `corrections` is None until it has looked at them, and if it does not; `gate` is None until
    its version has been compared with the one that is served.

    `resumable`: it ended early and another run can go on from it. `resumes` is the id of the run
    that this one goes on from, None for one that began anew.
    """

    run_id: str
    state: str
    recipe: str
    epochs_planned: int
    seed: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    progress: float
    phase: str
    eta_seconds: float | None
    epochs: tuple[Epoch, ...]
    result: Result | None
    corrections: CorrectionUsage | None
    gate: Gate | None
    error: str | None
    resumable: bool
    resumes: str | None

    @property
    def alive(self) -> bool:
        """Whether it still goes on."""
        return self.state in ("queued", "running")

    @property
    def epochs_done(self) -> int:
        """The last epoch that is over; those of the run it goes on from count."""
        return self.epochs[-1].number if self.epochs else 0

    @property
    def seconds(self) -> float | None:
        """How long it took, None until it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class PromotionRecord:
    """A time that a version was promoted: when, instead of which, and by whom.

    `by` is `gate` or `person`; `reason` is what that person wrote, if anything.
    """

    time: datetime
    previous: str | None
    by: str
    reason: str | None


@dataclass(frozen=True)
class Model:
    """A version in the model store. `metadata` is as training wrote it; `size_bytes` on disk.

    `status` is `champion`, `candidate` (held back by the gate and never served), `former` (served
    once) or `stored`. `gate` is None for a version that was never compared; `turns` are the times
    that it was promoted, oldest first.
    """

    tag: str
    version: str
    champion: bool
    status: str
    created_at: datetime
    metadata: Mapping[str, Any]
    gate: Gate | None
    turns: tuple[PromotionRecord, ...]
    size_bytes: int

    @property
    def accuracy(self) -> float | None:
        """Share of the test pictures it names right, 0..1; None if it was not stored."""
        value = self.metadata.get("accuracy")
        return float(value) if isinstance(value, int | float) else None

    @property
    def per_class_accuracy(self) -> Mapping[str, float]:
        """The same for each class, by its name; empty if it was not stored."""
        stored: Mapping[str, float] = self.metadata.get("per_class_accuracy") or {}
        return stored

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """How its training went; empty if it was not stored."""
        return tuple(_epoch(one) for one in self.metadata.get("learning_curves") or ())


@dataclass(frozen=True)
class Promotion:
    """What a promotion did. `workers` serve `tag` after `seconds`; `detail` if none runs."""

    tag: str
    workers: int
    seconds: float
    detail: str | None


def recipes() -> list[Recipe]:
    """The ways to train. Raises ServiceError."""
    return _read(lambda raw: [_recipe(one) for one in raw["recipes"]], "/recipes")


def runs() -> list[Run]:
    """Every run, newest first. Raises ServiceError."""
    return _read(lambda raw: [_run(one) for one in raw["runs"]], "/runs")


def run(run_id: str) -> Run:
    """One run. Raises ServiceError: Refused if there is no such run."""
    return _read(_run, f"/runs/{quote(run_id, safe='')}")


def steps(run_id: str, after: int) -> tuple[list[Step], int]:
    """The steps of a run after event number `after`, and the number to go on from.

    Raises ServiceError.
    """
    path = f"/runs/{quote(run_id, safe='')}/events"
    return _read(
        lambda raw: (
            [_step(one) for one in raw["events"] if one["type"] == "step"],
            int(raw["next"]),
        ),
        path,
        after=after,
    )


def models() -> list[Model]:
    """Every version, newest first. Raises ServiceError."""
    return _read(lambda raw: [_model(one) for one in raw["models"]], "/models")


def report(version: str) -> Report:
    """What the gate found about `version`. Raises ServiceError: Refused if it has no report."""
    return _read(report_of, f"/models/{quote(version, safe='')}/report")


def start(
    recipe: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    *,
    corrections: bool | None = None,
) -> str:
    """Starts a run and returns its id; the id of the one that runs already, if one does.

    `corrections`: whether it learns from them too. None leaves a choice to the trainer. Raises
    ServiceError: Refused if the recipe needs a version or corrections that are not there.
    """
    wanted = {"recipe": recipe, "epochs": epochs, "seed": seed, "corrections": corrections}
    return _post_run({name: value for name, value in wanted.items() if value is not None})


def resume(run_id: str) -> str:
    """Starts a run that goes on after the last epoch of one that ended early; returns its id.

    The id of the one that runs already, if one does. Raises ServiceError: Refused if nothing of
    that run was kept.
    """
    return _post_run({"resume": run_id})


def cancel(run_id: str) -> None:
    """Ends a run; one that has ended already stays as it is. Raises ServiceError."""
    try:
        _trainer().post(f"/runs/{quote(run_id, safe='')}/cancel")
    except Refused as error:
        if error.status != 409:
            raise


def promote(version: str, reason: str | None = None) -> Promotion:
    """Has `version` served, and waits until every worker does. Raises ServiceError.

    `reason` is kept with the promotion.
    """
    trainer = _trainer()
    path = f"/models/{quote(version, safe='')}/promote"
    body = {} if reason is None else {"json": {"reason": reason}}
    raw = trainer.post(path, read_seconds=PROMOTE_SECONDS, **body)
    try:
        return Promotion(
            tag=str(raw["tag"]) if "tag" in raw else version,
            workers=int(raw.get("workers", 0)),
            seconds=float(raw.get("seconds", 0.0)),
            detail=raw.get("detail"),
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise trainer.bad_answer() from error


def _trainer() -> Connection:
    return connect("The trainer", "TRAINER_URL")


def _post_run(body: dict[str, Any]) -> str:
    trainer = _trainer()
    try:
        return str(trainer.post("/runs", json=body)["run_id"])
    except Refused as error:
        if error.status == 409 and "run_id" in error.details:
            return str(error.details["run_id"])
        raise
    except (KeyError, TypeError) as error:
        raise trainer.bad_answer() from error


def _read(parse: Callable[[Any], _Thing], path: str, **query: Any) -> _Thing:
    trainer = _trainer()
    raw = trainer.get(path, **query)
    try:
        return parse(raw)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise trainer.bad_answer() from error


def _recipe(raw: Any) -> Recipe:
    return Recipe(
        name=str(raw["name"]),
        summary=str(raw["summary"]),
        network=str(raw["network"]),
        epochs=int(raw["epochs"]),
        default=bool(raw["default"]),
        from_champion=bool(raw.get("from_champion")),
    )


def _run(raw: Any) -> Run:
    config = raw["config"]
    return Run(
        run_id=str(raw["run_id"]),
        state=str(raw["state"]),
        recipe=str(config["recipe"]),
        epochs_planned=int(config["epochs"]),
        seed=int(config["seed"]),
        created_at=datetime.fromisoformat(raw["created_at"]),
        started_at=_moment(raw["started_at"]),
        ended_at=_moment(raw["ended_at"]),
        progress=min(max(float(raw["progress"]), 0.0), 1.0),
        phase=str(raw["phase"] or ""),
        eta_seconds=None if raw["eta_seconds"] is None else float(raw["eta_seconds"]),
        epochs=tuple(_epoch(one) for one in raw["epochs"]),
        result=None if raw["result"] is None else _result(raw["result"]),
        corrections=_if_there(raw, "corrections", _taught),
        gate=_if_there(raw, "gate", gate_of),
        error=None if raw["error"] is None else str(raw["error"]),
        resumable=bool(raw["resumable"]),
        resumes=None if config.get("resume") is None else str(config["resume"]),
    )


def _if_there(raw: Any, name: str, parse: Callable[[Any], _Thing]) -> _Thing | None:
    """None too where the key is missing, as in what an older version of the trainer wrote."""
    value = raw.get(name)
    return None if value is None else parse(value)


def _taught(raw: Any) -> CorrectionUsage:
    return CorrectionUsage(
        used=int(raw["used"]), held_out=int(raw["held_out"]), quarantined=int(raw["quarantined"])
    )


def _moment(raw: str | None) -> datetime | None:
    return None if raw is None else datetime.fromisoformat(raw)


def _epoch(raw: Any) -> Epoch:
    return Epoch(
        number=int(raw["epoch"]),
        loss=float(raw["loss"]),
        accuracy=float(raw["accuracy"]),
        validation_loss=float(raw["validation_loss"]),
        validation_accuracy=float(raw["validation_accuracy"]),
    )


def _step(raw: Any) -> Step:
    return Step(
        epoch=int(raw["epoch"]),
        step=int(raw["step"]),
        loss=float(raw["loss"]),
        accuracy=float(raw["accuracy"]),
        progress=float(raw["progress"]),
    )


def _result(raw: Any) -> Result:
    before = raw.get("previous_accuracy")
    return Result(
        model=str(raw["model"]),
        accuracy=float(raw["accuracy"]),
        seconds=float(raw["seconds"]),
        previous_model=raw.get("previous_model"),
        previous_accuracy=None if before is None else float(before),
    )


def _model(raw: Any) -> Model:
    champion = bool(raw["champion"])
    metadata = dict(raw["metadata"])
    return Model(
        tag=str(raw["tag"]),
        version=str(raw["version"]),
        champion=champion,
        status=str(raw.get("status") or ("champion" if champion else "stored")),
        created_at=datetime.fromisoformat(raw["created_at"]),
        metadata=metadata,
        gate=_if_there(metadata, "gate", gate_of),
        turns=tuple(_turn(one) for one in raw.get("promotions") or ()),
        size_bytes=int(raw["size_bytes"]),
    )


def _turn(raw: Any) -> PromotionRecord:
    return PromotionRecord(
        time=datetime.fromisoformat(raw["time"]),
        previous=None if raw["previous"] is None else str(raw["previous"]),
        by=str(raw["by"]),
        reason=None if raw["reason"] is None else str(raw["reason"]),
    )
