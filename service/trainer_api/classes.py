"""The calls about classes: list, add, rename, merge, delete, undo."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path

from service.http.json_route import JsonRoute
from service.http.openapi import Error
from service.trainer_api.actor import Actor
from service.trainer_api.schemas import classes as schemas
from service.trainer_api.schemas.base import Answer, Name
from service.trainer_api.schemas.classes import ClassChange, ClassRequest, UndoRequest
from training.feedback import run_classes
from training.store import classes, corrections, versions

TAG = {
    "name": "Classes",
    "description": "The classes that corrections may have: those of Fashion-MNIST, and your own.",
}

router = APIRouter(
    prefix="/classes",
    tags=[TAG["name"]],
    route_class=JsonRoute,
    responses={503: {"model": Error, "description": "The store cannot be used."}},
)

_INVALID: dict[str, Any] = {"model": Error, "description": "The name is not possible."}
_NOT_FOUND: dict[str, Any] = {"model": Error, "description": "No such class."}
_TOO_LARGE: dict[str, Any] = {"model": Error, "description": "The body is too large."}
_RENAME_OR_MERGE = {
    "rename": {"summary": "Rename it", "value": {"name": "Cap"}},
    "merge": {"summary": "It is the same as another one", "value": {"merge_into": "Bag"}},
}

ClassName = Annotated[Name, Path(description="Its name, percent-encoded.")]


@router.get("", summary="List the classes", response_model=schemas.Classes)
def list_classes() -> Answer:
    """With the corrections that runs would use, and the versions that know each class. A run with
    corrections learns an own class from 10 of them on."""
    counts, versions_of = corrections.usable_counts(), _versions_by_class()
    return {
        "classes": [_to_json(one, counts, versions_of) for one in classes.listed()],
        "limit": classes.MAX_CLASSES,
        "changes": [vars(change) for change in classes.changes()],
    }


@router.post(
    "",
    summary="Add a class",
    status_code=HTTPStatus.CREATED,
    response_model=schemas.OneClass,
    responses={
        400: _INVALID,
        409: {"model": Error, "description": "There is one that looks like it, or 50 already."},
        413: _TOO_LARGE,
    },
)
def add_class(
    actor: Actor,
    asked: Annotated[
        ClassRequest,
        Body(openapi_examples={"hat": {"summary": "Hats", "value": {"name": "Hat"}}}),
    ],
) -> Answer:
    """Corrections may have it as their label at once; the model knows it after a run."""
    return _to_json(classes.create(asked.name, actor), {}, {})


@router.post(
    "/undo",
    summary="Undo a change of a class",
    response_model=schemas.Changed,
    responses={
        400: {"model": Error, "description": "Not a change."},
        404: {"model": Error, "description": "No such change."},
        409: {
            "model": Error,
            "description": "It is undone already, a later change of the class is not, or another "
            "class has the name now.",
        },
        413: _TOO_LARGE,
    },
)
def undo_class_change(
    asked: Annotated[
        UndoRequest,
        Body(openapi_examples={"last": {"summary": "The first one", "value": {"change": 1}}}),
    ],
) -> Answer:
    """The class and its corrections are as they were, also those that became one with another.
    What happened to single corrections since stays."""
    return _changed(classes.undo(asked.change))


@router.patch(
    "/{name:path}",
    summary="Rename a class, or merge it into another",
    response_model=schemas.Changed,
    responses={
        400: _INVALID,
        404: _NOT_FOUND,
        409: {
            "model": Error,
            "description": "The class is built in, or there is one that looks like the new name.",
        },
        413: _TOO_LARGE,
    },
)
def change_class(
    name: ClassName,
    actor: Actor,
    asked: Annotated[ClassChange, Body(openapi_examples=_RENAME_OR_MERGE)],
) -> Answer:
    """Its corrections get the new label. The former name goes on to mean the class: versions know
    it by that. When a picture has both labels that become one, the two corrections do too."""
    if asked.name is not None:
        return _changed(classes.rename(name, asked.name, actor))
    return _changed(classes.merge(name, str(asked.merge_into), actor))


@router.delete(
    "/{name:path}",
    summary="Delete a class",
    response_model=schemas.Changed,
    responses={404: _NOT_FOUND, 409: {"model": Error, "description": "The class is built in."}},
)
def delete_class(name: ClassName, actor: Actor) -> Answer:
    """Its corrections are no longer listed, exported or used, and contradict no others. They are
    kept, so that it can be undone. Versions that know the class go on answering it."""
    return _changed(classes.delete(name, actor))


def _versions_by_class() -> dict[str, list[str]]:
    """The tags of the versions that know each class, by its name today."""
    today = classes.labels()
    found: dict[str, list[str]] = {}
    for tag, names in versions.class_names().items():
        for name in dict.fromkeys(today.get(name) for name in names):
            if name is not None:
                found.setdefault(name, []).append(tag)
    return found


def _to_json(
    one: classes.Class,
    counts: Mapping[str, tuple[int, int]],
    versions_of: Mapping[str, list[str]],
) -> Answer:
    usable, held_out = counts.get(one.name, (0, 0))
    return {
        **vars(one),
        "pictures": {
            "usable": usable,
            "held_out": held_out,
            "needed": max(0, run_classes.MIN_PICTURES - usable),
        },
        "versions": versions_of.get(one.name, []),
    }


def _changed(change: classes.Change) -> Answer:
    return {"change": change.id, "what": change.what}
