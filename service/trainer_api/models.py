"""The calls about versions of the model: list, compare, promote."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Response

from service.http.errors import ApiError
from service.http.json_route import JsonRoute
from service.http.openapi import Error
from service.trainer_api import promotion
from service.trainer_api.actor import Actor
from service.trainer_api.schemas import models as schemas
from service.trainer_api.schemas.base import Answer, Name
from service.trainer_api.schemas.models import PromotionRequest
from training.store import numbers, promotions, versions

TAG = {"name": "Models", "description": "The versions of the model, and which one is live."}

router = APIRouter(tags=[TAG["name"]], route_class=JsonRoute)

_EXAMPLES = {
    "reason": {"summary": "With a reason", "value": {"reason": "It recognizes our bags."}},
    "nothing": {"summary": "Without", "value": {}},
}


def _tag(
    version: Annotated[
        Name, Path(description="The version, its number (`4` or `v4`), or the whole tag.")
    ],
) -> str:
    return numbers.to_tag(version)


Tag = Annotated[str, Depends(_tag)]


@router.get(
    "/models",
    summary="List the versions, newest first",
    response_model=schemas.Versions,
    responses={400: {"model": Error, "description": "`offset` or `limit` is not possible."}},
)
def list_models(
    offset: Annotated[int, Query(ge=0, description="Leave out the newest ones.")] = 0,
    limit: Annotated[int | None, Query(ge=1, le=1000, description="All if left out.")] = None,
) -> Answer:
    """With their metadata, how each compared with the live version, and when it was live.

    A damaged one has `error`, a sentence that says what to do, and no metadata."""
    rows = _rows(versions.list_versions(offset, limit))
    return {
        "champion": versions.champion(),
        "error": versions.champion_problem(),
        "total": len(versions.stored_tags()),
        "models": rows,
    }


@router.get(
    "/models/numbers",
    summary="List the numbers of all versions",
    response_model=schemas.Numbers,
)
def list_numbers() -> Answer:
    """People call a version by its number. None is given twice, so deleted versions are listed
    too. Answers much faster than `GET /models`."""
    return {"numbers": numbers.by_version()}


@router.get(
    "/models/{version}",
    summary="Show a version",
    response_model=schemas.Version,
    responses={404: {"model": Error, "description": "No such version."}},
)
def show_model(tag: Tag) -> Answer:
    """As in `GET /models`."""
    try:
        found = versions.describe(tag)
    except versions.DamagedVersion as error:
        found = versions.damaged(tag, str(error))
    return next(iter(_rows([found])))


def _rows(stored: list[versions.Version]) -> list[Answer]:
    """Versions with what stands outside of their folders."""
    champion, by_version = versions.champion(), numbers.by_version()
    promoted: dict[str, list[promotions.Promotion]] = {}
    served = set[str | None]()  # the first champion of an older store was never promoted
    for one in promotions.read_all():
        promoted.setdefault(one.tag, []).append(one)
        served |= {one.tag, one.previous}
    return [
        {
            "number": by_version[it.version],
            "version": it.version,
            "champion": it.tag == champion,
            "status": _status(it, champion, was_served=it.tag in served),
            "promotions": [asdict(one) for one in promoted.get(it.tag, [])],
            **asdict(it),
        }
        for it in stored
        if it.version in by_version  # else it has just been deleted
    ]


def _status(version: versions.Version, champion: str | None, *, was_served: bool) -> str:
    if version.tag == champion:
        return "champion"
    if was_served:
        return "former"
    gate = version.metadata.get("gate")
    return "stored" if gate is None or gate["promoted"] else "candidate"


@router.get(
    "/models/{version}/report",
    summary="Show how a version compared with the live one",
    response_model=schemas.ReportAnswer,
    responses={
        404: {"model": Error, "description": "No such version, or it was not compared."},
        422: {"model": Error, "description": "The version or its report is damaged."},
    },
)
def show_report(tag: Tag) -> Answer:
    """Written once, when the run ended: figures of both versions, and pictures on which they
    differ. The live version is the one of that time."""
    report = versions.report(tag)
    if report is None:
        message = f"{tag} has no report: it was not compared with another version."
        raise ApiError(HTTPStatus.NOT_FOUND, message)
    return report


@router.post(
    "/models/{version}/promote",
    summary="Promote a version, or roll back to it",
    response_model=schemas.Promoted,
    response_model_exclude_unset=True,
    responses={
        202: {
            "model": schemas.Promoted,
            "description": "It is the live version, but not every worker serves it yet: `detail` "
            "says why.",
        },
        400: {"model": Error, "description": "The reason is not one."},
        404: {"model": Error, "description": "No such version."},
        409: {"model": Error, "description": "Another version was promoted meanwhile."},
        413: {"model": Error, "description": "The body is too large."},
        422: {
            "model": Error,
            "description": "It is damaged, or a worker cannot load it. The old version stays live.",
        },
    },
)
async def promote(
    tag: Tag,
    response: Response,
    actor: Actor,
    asked: Annotated[PromotionRequest, Body(openapi_examples=_EXAMPLES)] = PromotionRequest(),  # noqa: B008
) -> Answer:
    """Makes it the live version, whatever the gate found, and answers when every worker serves it.

    No request fails meanwhile: workers load it beside the old one. `promotions` of `GET /models`
    keeps the time, the reason and who did it.
    """
    status, answer = await promotion.promote(tag, asked.reason, actor)
    response.status_code = status
    return answer
