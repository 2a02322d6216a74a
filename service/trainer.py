"""The trainer: runs, versions and promotion, and the corrections that people make.

    bentoml serve service.trainer:Trainer --port 3002

trainer.openapi.json describes its calls; the page at `/` shows it.
"""

import asyncio
import re
from collections import Counter
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Any

import bentoml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import settings
from service.http.bodies import json_object
from service.http.errors import ApiError
from service.http.middleware import mount_routes, openapi_routes
from service.shadow import routes
from service.trainer_api import corrections, promotion
from service.trainer_api.run_supervisor import Supervisor
from training.recipes import DEFAULT_RECIPE, FIRST_RECIPE, RECIPES, NoChampion, Recipe
from training.store import promotions, runs, tags, versions

_MAX_EPOCHS = 1_000
_MAX_SEED = 2**32 - 1
_MAX_REASON = 500
_PROMOTION = '{"reason": "It knows our bags."}'


@bentoml.service(
    name="trainer",
    workers=1,  # it owns the active run
    traffic={"timeout": 60},
    logging={"access": {"enabled": False}},
)
class Trainer:
    """Owns the training runs. It trains in a process of their own, never in this one."""

    def __init__(self) -> None:
        self.supervisor = Supervisor()
        self._ended: dict[str, str] = {}  # state by run_id: an ended run is read once

    @bentoml.on_startup
    def take_over(self) -> None:
        """Account for the runs of an earlier trainer; train the first model if so set."""
        self.supervisor.start()
        if settings.get("TRAIN_FIRST_MODEL") == "1" and not versions.list_versions():
            try:
                self.supervisor.run(_config({"recipe": FIRST_RECIPE}))
            except runs.BusyError:  # somebody trains it by `make train`
                return

    @bentoml.on_shutdown
    def stop(self) -> None:
        """End the active run."""
        self.supervisor.stop()

    async def __metrics__(self, text: str) -> str:
        """BentoML's hook: add to a scrape what the runs' records tell, as Prometheus text."""
        newest = await asyncio.to_thread(self._look)
        return text + "\n".join(_as_metrics(newest, Counter(self._ended.values()))) + "\n"

    def _look(self) -> runs.Run | None:
        """Note the runs that have ended since the last time. Returns the newest run."""
        newest = None
        for run_id in runs.ids():
            if newest is not None and run_id in self._ended:
                continue
            run = runs.read(run_id)
            if run is None:
                continue
            newest = newest or run
            if not run.is_active:
                self._ended[run_id] = run.state
        return newest


async def start_run(request: Request) -> Response:
    """POST /runs: start a run, or go on with one; 409 while one is active."""
    asked = await json_object(request, such_as='{"epochs": 3}')
    config = await asyncio.to_thread(_config, asked)
    try:
        run = await asyncio.to_thread(_service().supervisor.run, config)
    except runs.BusyError as error:
        details = {"run_id": error.run_id}
        raise ApiError(HTTPStatus.CONFLICT, str(error), details=details) from error
    return JSONResponse({"run_id": run.run_id}, HTTPStatus.CREATED)


async def list_runs(_: Request) -> Response:
    """GET /runs: every run, newest first."""
    found = await asyncio.to_thread(runs.read_all)
    return JSONResponse({"runs": [_told(run) for run in found]})


async def show_run(request: Request) -> Response:
    """GET /runs/{run_id}."""
    return JSONResponse(_told(_known_run(request)))


def _told(run: runs.Run) -> dict[str, Any]:
    return {**asdict(run), "resumable": run.is_resumable}


async def list_events(request: Request) -> Response:
    """GET /runs/{run_id}/events?after=n: what happened since event n."""
    after = request.query_params.get("after", "0")
    if not re.fullmatch(r"[0-9]{1,9}", after):
        raise ApiError(HTTPStatus.BAD_REQUEST, "'after' is the number of an event, 0 or more.")
    run = _known_run(request)
    events = await asyncio.to_thread(runs.events, run.run_id, int(after))
    return JSONResponse({"events": events, "next": events[-1]["n"] if events else int(after)})


async def cancel_run(request: Request) -> Response:
    """POST /runs/{run_id}/cancel: end a run; 409 when it has ended."""
    run = _known_run(request)
    if not run.is_active:
        raise ApiError(HTTPStatus.CONFLICT, f"Run {run.run_id} has ended already: {run.state}.")
    ended = await asyncio.to_thread(_service().supervisor.cancel, run.run_id)
    state = ended.state if ended else run.state
    return JSONResponse({"run_id": run.run_id, "state": state}, HTTPStatus.ACCEPTED)


async def list_recipes(_: Request) -> Response:
    """GET /recipes: the ways to train that POST /runs offers."""
    return JSONResponse(
        {
            "recipes": [
                {
                    "name": recipe.name,
                    "summary": recipe.summary,
                    "network": recipe.network,
                    "epochs": recipe.epochs,
                    "default": recipe.name == DEFAULT_RECIPE,
                    "from_champion": recipe.from_champion,
                }
                for recipe in RECIPES.values()
            ]
        }
    )


async def list_models(_: Request) -> Response:
    """GET /models: every version, newest first, and which is the champion."""
    return JSONResponse(await asyncio.to_thread(_models))


def _models() -> dict[str, Any]:
    champion = versions.champion()
    promoted: dict[str, list[promotions.Promotion]] = {}
    served = set[str | None]()  # the first champion of an older store was never promoted
    for one in promotions.read_all():
        promoted.setdefault(one.tag, []).append(one)
        served |= {one.tag, one.previous}
    rows = [
        {
            "version": it.version,
            "champion": it.tag == champion,
            "status": _status(it, champion, was_served=it.tag in served),
            "promotions": [asdict(one) for one in promoted.get(it.tag, [])],
            **asdict(it),
        }
        for it in versions.list_versions()
    ]
    return {"champion": champion, "models": rows}


def _status(version: versions.Version, champion: str | None, *, was_served: bool) -> str:
    """What a version is to serving."""
    if version.tag == champion:
        return "champion"
    if was_served:
        return "former"
    gate = version.metadata.get("gate")
    return "stored" if gate is None or gate["promoted"] else "candidate"


async def show_report(request: Request) -> Response:
    """GET /models/{version}/report: how a version compared with the champion of its time."""
    tag = _tag(request)
    try:
        report = await asyncio.to_thread(versions.report, tag)
    except versions.ModelError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, str(error)) from error
    if report is None:
        sentence = f"{tag} has no report: it was not compared with another version."
        raise ApiError(HTTPStatus.NOT_FOUND, sentence)
    return JSONResponse(report)


async def promote(request: Request) -> Response:
    """POST /models/{version}/promote: serve it, whatever the gate found."""
    asked = await json_object(request, such_as=_PROMOTION)
    reason = asked.get("reason")
    if set(asked) - {"reason"} or not isinstance(reason, str | None):
        raise _bad(f"Send nothing, or {_PROMOTION}.")
    reason = reason and reason.strip()
    if reason is not None and not 1 <= len(reason) <= _MAX_REASON:
        raise _bad(f"'reason' is a text of 1 to {_MAX_REASON} characters.")
    status, answer = await promotion.promote(_tag(request), reason)
    return JSONResponse(answer, status)


def _tag(request: Request) -> str:
    return tags.to_tag(request.path_params["version"])


mount_routes(
    Trainer,
    routes=[
        Route("/runs", start_run, methods=["POST"]),
        Route("/runs", list_runs),
        Route("/runs/{run_id}", show_run),
        Route("/runs/{run_id}/events", list_events),
        Route("/runs/{run_id}/cancel", cancel_run, methods=["POST"]),
        Route("/recipes", list_recipes),
        Route("/models", list_models),
        Route("/models/{version}/report", show_report),
        Route("/models/{version}/promote", promote, methods=["POST"]),
        *corrections.ROUTES,
        *routes.ROUTES,
        *openapi_routes(Path(__file__).parent / "http" / "trainer.openapi.json"),
    ],
)


def _service() -> Trainer:
    """This worker's instance of the service."""
    service: Trainer = bentoml.get_current_service()
    return service


def _known_run(request: Request) -> runs.Run:
    run_id = request.path_params["run_id"]
    run = runs.read(run_id)
    if run is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"There is no run {run_id}. GET /runs lists them.")
    return run


def _config(asked: dict[str, Any]) -> dict[str, Any]:
    """A run's whole configuration from what was asked. Raises ApiError (400) on a bad value."""
    if unknown := sorted(set(asked) - {"recipe", "epochs", "seed", "corrections", "resume"}):
        raise _bad(
            f"There is no setting {unknown[0]!r}. Known are recipe, epochs, seed and corrections, "
            "or resume."
        )
    if asked.get("resume") is not None:
        return _resumption(asked)
    name = DEFAULT_RECIPE if asked.get("recipe") is None else asked["recipe"]
    if not isinstance(name, str) or name not in RECIPES:
        raise _bad(f"There is no recipe {name!r}. Known are {', '.join(RECIPES)}.")
    recipe = RECIPES[name]
    epochs, seed = asked.get("epochs"), asked.get("seed")
    return runs.configuration(
        name,
        _whole("epochs", recipe.epochs if epochs is None else epochs, 1, _MAX_EPOCHS),
        _whole("seed", 0 if seed is None else seed, 0, _MAX_SEED),
        corrections=_learns_from_corrections(recipe, asked.get("corrections")),
        champion=_to_start_from(recipe),
    )


def _learns_from_corrections(recipe: Recipe, asked: Any) -> bool:
    if asked is None:
        return recipe.from_champion
    if not isinstance(asked, bool):
        raise _bad("'corrections' is true or false.")
    if recipe.from_champion and not asked:
        raise _bad(f"The recipe {recipe.name} is there to learn from corrections.")
    return asked


def _to_start_from(recipe: Recipe) -> str | None:
    """The version that a recipe goes on from, or None. Raises ApiError, 409 or 503."""
    if not recipe.from_champion:
        return None
    champion = versions.champion()
    if champion is None:
        raise ApiError(HTTPStatus.CONFLICT, str(NoChampion(recipe.name)))
    if not corrections.how_many_are_usable():
        raise ApiError(
            HTTPStatus.CONFLICT,
            "There is no correction to learn from. Say on Classify what a few pictures show.",
        )
    return champion


def _resumption(asked: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a run that goes on. Raises ApiError, 400 or 409."""
    if set(asked) != {"resume"} or not isinstance(asked["resume"], str):
        raise _bad("'resume' is the run_id of a run, and stands alone: its settings are kept.")
    try:
        return runs.resumption(asked["resume"])
    except runs.ResumeError as error:
        raise ApiError(HTTPStatus.CONFLICT, str(error)) from error


def _whole(name: str, value: Any, lowest: int, highest: int) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise _bad(f"'{name}' is a whole number from {lowest:,} to {highest:,}.")
    return value


def _bad(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, message)


def _as_metrics(newest: runs.Run | None, ended: Counter[str]) -> list[str]:
    lines = [
        "# HELP wardrobe_training_runs_total Training runs that have ended, by state.",
        "# TYPE wardrobe_training_runs_total counter",
    ]
    lines += [
        f'wardrobe_training_runs_total{{state="{state}"}} {ended[state]}'
        for state in runs.STATES
        if state not in runs.ACTIVE
    ]
    gauges = {
        "progress": (newest.progress if newest else 0.0, "Of the newest run, 0..1."),
        "loss": (newest and newest.loss, "Of the newest run's last batch, cross-entropy."),
        "accuracy": (newest and newest.accuracy, "Of the newest run's last batch, 0..1."),
    }
    for name, (value, help_) in gauges.items():
        if value is not None:
            lines += [
                f"# HELP wardrobe_training_{name} {help_}",
                f"# TYPE wardrobe_training_{name} gauge",
                f"wardrobe_training_{name} {value}",
            ]
    return lines
