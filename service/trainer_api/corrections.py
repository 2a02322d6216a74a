"""The calls about corrections: keep, list, change, export, import.

Routes that read their own body are coroutines, and ask the store in threads: a write waits for the
disk. FastAPI runs the others in threads by itself.
"""

import base64
from collections.abc import Iterator
from dataclasses import asdict
from http import HTTPStatus
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator

from service.decoding import crops, pictures
from service.http import bodies
from service.http.json_route import JsonRoute
from service.http.openapi import Error
from service.trainer_api import corrections_import
from service.trainer_api.actor import Actor
from service.trainer_api.schemas import corrections as schemas
from service.trainer_api.schemas.base import Answer, Name
from service.trainer_api.schemas.corrections import (
    CorrectionChange,
    CorrectionForm,
    CorrectionState,
)
from training.model.crop import Crop
from training.model.png import encode_png
from training.store import classes, corrections, corrections_archive, versions
from training.store.corrections import Correction

TAG = {
    "name": "Corrections",
    "description": "Pictures with the classes that people named, to train on.",
}

router = APIRouter(
    prefix="/corrections",
    tags=[TAG["name"]],
    responses={503: {"model": Error, "description": "The store cannot be used."}},
)

_LARGEST_ID = 2**63 - 1
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {"schema": CorrectionForm.model_json_schema()}
_ARCHIVE_FORM = {
    "schema": {
        "type": "object",
        "required": ["archive"],
        "properties": {"archive": _BINARY["schema"]},
    }
}
_NOT_FOUND: dict[str, Any] = {"model": Error, "description": "No such correction."}
_TOO_LARGE: dict[str, Any] = {"model": Error, "description": "The body or a picture is too large."}
_EXAMPLES = {
    "label": {"summary": "It shows a bag", "value": {"label": "Bag"}},
    "state": {"summary": "It is right as it is", "value": {"state": "accepted"}},
}

CorrectionId = Annotated[int, Path(ge=0, le=_LARGEST_ID)]


@router.post(
    "",
    summary="Add a correction: name the class of a picture",
    status_code=HTTPStatus.CREATED,
    response_model=schemas.CorrectionKept,
    responses={
        200: {"model": schemas.CorrectionKept, "description": "It was there already."},
        400: {"model": Error, "description": "The picture or a field cannot be used."},
        413: _TOO_LARGE,
        415: {"model": Error, "description": "The body is not a form."},
    },
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": _FORM}}},
)
async def keep_correction(request: Request, response: Response, actor: Actor) -> Answer:
    """Keeps the 28x28 picture that the network gets, and the label. It is on the disk when the
    answer arrives."""
    fields = [name for name in CorrectionForm.model_fields if name != "image"]
    picture, texts = await bodies.one_picture_with_texts(request, fields)
    crop = crops.asked_for(request.query_params, texts)
    texts.pop(crops.FIELD, None)
    correction, is_new = await run_in_threadpool(_keep, picture, crop, texts, actor)
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    return {"id": correction.id, "state": correction.state}


def _keep(
    picture: bytes, crop: Crop | None, texts: dict[str, str], actor: str | None
) -> tuple[Correction, bool]:
    pixels = pictures.decode_now(picture, crop)
    for field in {"label", "predicted"} & texts.keys():
        texts[field] = classes.normalize(texts[field])
    return corrections.add(pixels, corrections.parse_submission(texts, _labels()), actor)


def _labels() -> dict[str, str | None]:
    """As `classes.labels`, with names that only versions know: those may be predicted too."""
    known = (name for names in versions.class_names().values() for name in names)
    return dict.fromkeys(known) | classes.labels()


def _empty_as_none(value: str | None) -> str | None:
    """Read `?label=` as no filter."""
    return value or None


@router.get(
    "",
    summary="List corrections, newest first",
    response_model=schemas.CorrectionPage,
    responses={400: {"model": Error, "description": "A parameter that is not possible."}},
)
def list_corrections(
    state: Annotated[CorrectionState | None, BeforeValidator(_empty_as_none)] = None,
    label: Annotated[Name | None, BeforeValidator(_empty_as_none)] = None,
    after: Annotated[
        int, Query(ge=0, le=_LARGEST_ID, description="The last id of the page before.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Answer:
    """One page. For the next one, ask with `after` set to `next`, until that is null."""
    # One more than wanted shows whether there is another page.
    rows = corrections.page(state=state, label=label, after=after, limit=limit + 1)
    shown = rows[:limit]
    return {
        "corrections": [_to_json(row) for row in shown],
        "next": shown[-1].id if len(rows) > limit else None,
        "counts": corrections.counts(label=label),
    }


@router.get(
    "/export",
    summary="Export all corrections as a zip archive",
    response_class=StreamingResponse,
    responses={200: {"description": "The archive.", "content": {"application/zip": _BINARY}}},
)
def export_corrections() -> Response:
    """A PNG for each picture, and the table `corrections.csv`. Made while it is sent."""
    pieces = corrections_archive.export_archive()
    first = next(pieces)  # a store that fails does so here, before the answer begins
    whole: Iterator[bytes] = chain([first], pieces)
    name = {"Content-Disposition": 'attachment; filename="corrections.zip"'}
    return StreamingResponse(whole, media_type="application/zip", headers=name)


@router.post(
    "/import",
    summary="Import an archive of corrections",
    response_model=schemas.Imported,
    responses={
        400: {
            "model": Error,
            "description": "Not an archive of corrections, or `problems` says what is wrong with "
            "each row. Nothing was added.",
        },
        413: _TOO_LARGE,
        503: {
            "model": Error,
            "description": "Another import is going on, or the store cannot be used.",
        },
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The archive itself, or a form with it as the one file.",
            "content": {"application/zip": _BINARY, "multipart/form-data": _ARCHIVE_FORM},
        }
    },
)
async def import_corrections(request: Request, actor: Actor) -> Answer:
    """Imports the rows that can be read, and says what is wrong with each of the others. Those that
    are there already stay as they are; one that was deleted comes back with its id.

    The table may come from a spreadsheet: with semicolons or tabs, UTF-8 or UTF-16. The archive
    may be a folder that was zipped again. In an archive of your own, the columns `file` and `label`
    are enough, and pictures are read as those of a new correction are. An import ends after 40
    seconds and refuses the rows that it has not reached.
    """
    report = await corrections_import.import_archive(request, actor)
    return asdict(report)


def change_correction(
    id: CorrectionId,
    actor: Actor,
    asked: Annotated[CorrectionChange, Body(openapi_examples=_EXAMPLES)],
) -> Answer:
    """With another label it is new again. If the same picture has that label already, the two
    become one, which is the answer. Runs use an accepted one whatever it looks like."""
    if asked.label is None:
        return _to_json(corrections.accept(id, actor))
    return _to_json(corrections.relabel(id, asked.label, actor))


router.add_api_route(
    "/{id}",
    change_correction,
    methods=["PATCH"],
    summary="Relabel or accept a correction",
    response_model=schemas.Correction,
    responses={
        400: {"model": Error, "description": "Not a change."},
        404: _NOT_FOUND,
        409: {"model": Error, "description": "The same picture has another label too."},
        413: _TOO_LARGE,
    },
    route_class_override=JsonRoute,
)


@router.delete(
    "/{id}",
    summary="Delete a correction",
    status_code=HTTPStatus.NO_CONTENT,
    responses={404: _NOT_FOUND},
)
def delete_correction(id: CorrectionId) -> None:
    """Deletes the row and its picture. One that contradicted it is again what it was."""
    corrections.delete(id)


@router.get(
    "/{id}/image",
    summary="Get the picture of a correction",
    response_class=Response,
    responses={200: {"description": "A PNG.", "content": {"image/png": _BINARY}}, 404: _NOT_FOUND},
)
def correction_image(id: CorrectionId) -> Response:
    """28x28 and grey, as the network gets it."""
    correction = corrections.get(id)
    return Response(encode_png(correction.pixels), media_type="image/png")


def _to_json(row: Correction) -> Answer:
    """With its picture: BentoML's metrics remember each path asked for, and a gallery that asks
    for one picture after the other would make them many."""
    png = base64.b64encode(encode_png(row.pixels)).decode("ascii")
    fields = {name: value for name, value in vars(row).items() if name != "picture"}
    return {**fields, "held_out": row.held_out, "png": png}
