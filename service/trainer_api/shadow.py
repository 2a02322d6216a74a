"""The trainer's calls about the shadow model: show, set, end."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body

from service.http.errors import ApiError
from service.http.json_route import JsonRoute
from service.http.openapi import Error
from service.inference import workers
from service.shadow import assignment
from service.trainer_api.actor import Actor
from service.trainer_api.schemas.base import Answer
from service.trainer_api.schemas.shadow import Shadow, ShadowRequest
from training.store import numbers, tags, versions

TAG = {
    "name": "Shadow",
    "description": "A version that answers beside the live one, to compare them on live pictures.",
}

router = APIRouter(prefix="/shadow", tags=[TAG["name"]], route_class=JsonRoute)

_EXAMPLES = {
    "all": {"summary": "Every picture", "value": {"version": "vf4rhjxhbsbacax4"}},
    "some": {"summary": "One in ten", "value": {"version": "vf4rhjxhbsbacax4", "share": 0.1}},
}


@router.get("", summary="Show the shadow model", response_model=Shadow)
def show_shadow() -> Answer:
    """It answers the pictures that the live version answers, and no request waits for it. Some
    pictures on which the two disagree become review requests among the corrections."""
    assigned = assignment.read()
    if assigned is None:
        nothing = dict.fromkeys(("version", "share", "since", "actor"))
        return nothing | {"workers": 0, "reason": assignment.problem()}
    answering = [tag for _, tag in workers.shadows() if tag == assigned.tag]
    return {
        "version": tags.version_of(assigned.tag),
        "share": assigned.share,
        "since": assigned.since,
        "actor": assigned.actor,
        "workers": 0 if assigned.ended else len(answering),
        "reason": assigned.reason,
    }


@router.put(
    "",
    summary="Set the shadow model",
    response_model=Shadow,
    responses={
        400: {"model": Error, "description": "A value that is not possible."},
        404: {"model": Error, "description": "No such version."},
        409: {"model": Error, "description": "It is the live version, or there is none."},
        413: {"model": Error, "description": "The body is too large."},
    },
)
def set_shadow(
    actor: Actor, asked: Annotated[ShadowRequest, Body(openapi_examples=_EXAMPLES)]
) -> Answer:
    """Replaces the one before. It ends by itself when the version is promoted, deleted or does not
    load: `reason` of `GET /shadow` says so."""
    tag = numbers.to_tag(asked.version)
    champion = versions.champion()
    versions.describe(tag)
    if champion is None:
        message = "There is no live version to compare with yet. Promote a version first."
        raise ApiError(HTTPStatus.CONFLICT, message)
    if tag == champion:
        message = "That version is live already. Choose another one."
        raise ApiError(HTTPStatus.CONFLICT, message)
    assignment.assign(tag, asked.share, actor)
    return show_shadow()


@router.delete("", summary="End the shadow test", status_code=HTTPStatus.NO_CONTENT)
def end_shadow() -> None:
    """Also when there is none."""
    assignment.clear()
