"""The call about the state folder: what is damaged in it, and whether it can be written."""

import os
from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter

import settings
from service.http import openapi
from service.http.json_route import JsonRoute
from service.shadow import assignment
from service.trainer_api.schemas import problems as schemas
from service.trainer_api.schemas.base import Answer
from training.store import files, promotions, runs, versions

router = APIRouter(tags=[openapi.HEALTH_TAG["name"]], route_class=JsonRoute)

_LEAST_FREE_BYTES = 16_000_000
"""A run writes about as much."""


@router.get(
    "/problems",
    summary="List what is damaged in the state folder",
    response_model=schemas.Problems,
)
def list_problems() -> Answer:
    """Damaged files do not stop the services. What had to be replaced was renamed to
    `<name>.damaged-<time>`; it is listed until you delete it."""
    return {"problems": [{"path": path, "error": error} for path, error in _find()]}


def _find() -> Iterator[tuple[str, str]]:
    home = settings.home()
    yield from _disk(home)
    if error := versions.champion_problem():
        yield "champion", error
    if error := promotions.problem():
        yield "promotions.jsonl", error
    if error := assignment.problem():
        yield "shadow", error
    for version in versions.list_versions():
        if version.error:
            yield f"models/{version.tag.replace(':', '/')}", version.error
    for run in runs.unsettled():
        if run.phase == runs.UNKNOWN and run.error:
            yield f"runs/{run.run_id}/run.json", run.error
    for path in _moved_away(home):
        yield str(path.relative_to(home)), _note(path)


def _disk(home: Path) -> Iterator[tuple[str, str]]:
    try:
        disk = os.statvfs(home)
    except OSError as error:
        yield ".", f"The state folder {home} cannot be read: {files.error_reason(error)}."
        return
    if disk.f_flag & os.ST_RDONLY or not os.access(home, os.W_OK):
        yield ".", f"The state folder {home} is read-only: nothing new can be stored."
    elif disk.f_bavail * disk.f_frsize < _LEAST_FREE_BYTES:
        yield ".", f"The disk of {home} is full, or nearly so: free some space."


def _moved_away(home: Path) -> list[Path]:
    """What was damaged and renamed, without the texts and parts beside it."""
    patterns = ("*", "runs/*", "serving/*", "models/*", "models/*/*")
    found = {path for each in patterns for path in home.glob(f"{each}{files.DAMAGED}*")}
    names = {path.with_name(path.name.removesuffix(".txt")) for path in found}
    return sorted(it for it in names if not it.name.endswith(("-wal", "-shm")))


def _note(path: Path) -> str:
    try:
        return files.read_text(files.note_path(path)).strip()
    except (FileNotFoundError, files.DamagedFile):
        return f"{path.name} was damaged and renamed. Delete it when you no longer need it."
