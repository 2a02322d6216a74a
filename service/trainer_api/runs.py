"""The calls about training runs: start, follow, cancel; and the recipes."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated

import bentoml
from fastapi import APIRouter, Body, Depends, Query

from service.http.errors import ApiError
from service.http.json_route import JsonRoute
from service.http.openapi import Error
from service.trainer_api.actor import Actor
from service.trainer_api.schemas import runs as schemas
from service.trainer_api.schemas.base import Answer, Name
from service.trainer_api.schemas.runs import RunRequest
from service.trainer_api.supervision.supervisor import Supervisor
from training.feedback import run_classes
from training.recipes import DEFAULT_RECIPE, RECIPES, NoChampion, Recipe
from training.store import corrections, runs, versions
from training.store.runs import durations

TAG = {"name": "Runs", "description": "Training, one run at a time."}

router = APIRouter(tags=[TAG["name"]], route_class=JsonRoute)

_EXAMPLES = {
    "three": {"summary": "Three epochs", "value": {"recipe": "quick", "epochs": 3, "seed": 7}},
    "nothing": {"summary": "All defaults", "value": {}},
    "finetune": {
        "summary": "Update the live version with your corrections",
        "value": {"recipe": "finetune"},
    },
    "corrections": {
        "summary": "Train a new version, corrections included",
        "value": {"recipe": "standard", "corrections": True},
    },
    "own": {
        "summary": "Train on your own pictures alone",
        "value": {"recipe": "own"},
    },
    "resume": {
        "summary": "Go on with a run that was cancelled",
        "value": {"resume": "20261123-070600-799-8af7"},
    },
}


def _supervisor() -> Supervisor:
    supervisor: Supervisor = bentoml.get_current_service().supervisor
    return supervisor


def _known_run(run_id: Name) -> runs.Run:
    run = runs.read(run_id)
    if run is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"There is no run {run_id}. GET /runs lists them.")
    return run


OurSupervisor = Annotated[Supervisor, Depends(_supervisor)]
KnownRun = Annotated[runs.Run, Depends(_known_run)]


@router.post(
    "/runs",
    summary="Start a run",
    status_code=HTTPStatus.CREATED,
    response_model=schemas.RunStarted,
    responses={
        400: {"model": Error, "description": "A setting that is not possible."},
        409: {
            "model": Error,
            "description": "Another run is active: `run_id` names it. Or there is nothing to go on "
            "with, or to train on.",
        },
        413: {"model": Error, "description": "The body is too large."},
        503: {"model": Error, "description": "The corrections cannot be read."},
    },
)
def start_run(
    supervisor: OurSupervisor,
    actor: Actor,
    asked: Annotated[RunRequest, Body(openapi_examples=_EXAMPLES)] = RunRequest(),  # noqa: B008
) -> Answer:
    """Trains a new version and compares it with the live one, on pictures that neither has seen.

    It is promoted unless it is worse; then it waits as a candidate, and `gate` of
    `GET /runs/{run_id}` says why.

    A run with corrections also learns each class of your own that has at least 10 pictures.

    A run is a process of its own: if it crashes or is cancelled, nothing else does. An empty body
    means all defaults.
    """
    return {"run_id": supervisor.run(configuration(asked), actor).run_id}


@router.get(
    "/runs",
    summary="List the runs, newest first",
    response_model=schemas.Runs,
    responses={400: {"model": Error, "description": "`limit` is not a number from 1 on."}},
)
def list_runs(
    limit: Annotated[
        int | None, Query(ge=1, le=999_999_999, description="How many. Default: all of them.")
    ] = None,
) -> Answer:
    """Includes those of `make train`."""
    return {"runs": [_to_json(run) for run in runs.read_all(limit)]}


@router.get(
    "/runs/{run_id}",
    summary="Show a run: state, progress, result",
    response_model=schemas.Run,
    responses={404: {"model": Error, "description": "No such run."}},
)
def show_run(run: KnownRun) -> Answer:
    """Reads one small file: ask as often as you like."""
    return _to_json(run)


@router.get(
    "/runs/{run_id}/events",
    summary="List what happened since event n",
    response_model=schemas.Events,
    responses={
        400: {"model": Error, "description": "`after` is not a number."},
        404: {"model": Error, "description": "No such run."},
    },
)
def list_events(
    run: KnownRun,
    after: Annotated[
        int, Query(ge=0, le=999_999_999, description="The last event that you have.")
    ] = 0,
) -> Answer:
    """To follow a run, ask again with `after` set to `next` of the answer before."""
    events = runs.events(run.run_id, after)
    return {"events": events, "next": events[-1]["n"] if events else after}


@router.post(
    "/runs/{run_id}/cancel",
    summary="Cancel a run",
    status_code=HTTPStatus.ACCEPTED,
    response_model=schemas.RunCancelled,
    responses={
        404: {"model": Error, "description": "No such run."},
        409: {"model": Error, "description": "It has ended already."},
    },
)
def cancel_run(run: KnownRun, supervisor: OurSupervisor) -> Answer:
    """The process is gone when the answer arrives, within 5 seconds. The live version stays."""
    if not run.is_active:
        raise ApiError(HTTPStatus.CONFLICT, f"Run {run.run_id} has ended already: {run.state}.")
    ended = supervisor.cancel(run.run_id)
    return {"run_id": run.run_id, "state": ended.state if ended else run.state}


@router.get("/recipes", summary="List the recipes", response_model=schemas.Recipes)
def list_recipes() -> Answer:
    """A recipe is a way to train: `recipe` of `POST /runs`."""
    return {
        "recipes": [
            {
                "name": recipe.name,
                "summary": recipe.summary,
                "network": recipe.network,
                "epochs": recipe.epochs,
                "default": recipe.name == DEFAULT_RECIPE,
                "from_champion": recipe.from_champion,
                "from_corrections": recipe.from_corrections,
                "estimated_seconds": _usual_seconds(recipe),
            }
            for recipe in RECIPES.values()
        ]
    }


def _usual_seconds(recipe: Recipe) -> float | None:
    champion = versions.champion() if recipe.from_champion else None
    return durations.usual_seconds(recipe.name, recipe.epochs, champion)


def configuration(asked: RunRequest) -> Answer:
    """A run's whole configuration.

    Raises ResumeError, NoChampion, StoreUnavailable, and ApiError (409) without corrections to
    train on.
    """
    if asked.resume is not None:
        return runs.resumption(asked.resume)
    recipe = RECIPES[asked.recipe or DEFAULT_RECIPE]
    if recipe.from_corrections:
        _check_classes()
    wants_corrections = asked.corrections
    return runs.configuration(
        recipe.name,
        recipe.epochs if asked.epochs is None else asked.epochs,
        asked.seed or 0,
        corrections=recipe.needs_corrections if wants_corrections is None else wants_corrections,
        champion=_version_to_start_from(recipe),
    )


def _check_classes() -> None:
    """Raise ApiError (409) without enough classes to train on own pictures alone."""
    pictures = {}
    for name in run_classes.candidates(()):
        counts = corrections.counts(label=name)
        pictures[name] = counts[corrections.NEW] + counts[corrections.ACCEPTED]
    chosen = run_classes.choose((), pictures)
    if len(chosen.names) < run_classes.MIN_CLASSES:
        raise ApiError(HTTPStatus.CONFLICT, run_classes.not_enough_classes(chosen))


def _version_to_start_from(recipe: Recipe) -> str | None:
    if not recipe.from_champion:
        return None
    champion = versions.champion()
    if champion is None:
        raise NoChampion(recipe.name)
    counts = corrections.counts()
    if not counts[corrections.NEW] + counts[corrections.ACCEPTED]:
        raise ApiError(
            HTTPStatus.CONFLICT,
            "There are no corrections to train on. Correct a few answers on Classify first.",
        )
    return champion


def _to_json(run: runs.Run) -> Answer:
    return {**asdict(durations.as_of_now(run)), "resumable": run.is_resumable}
