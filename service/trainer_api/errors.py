"""How the trainer refuses a request: always `{"error": sentence}`, with a status that fits.

Routes raise the errors of the stores as they are; this module knows the status of each.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

import settings
from service.http.errors import ApiError
from service.http.json_answers import RobustJson
from service.http.middleware import error_response
from service.trainer_api.schemas.base import UNUSABLE_TEXT
from training.recipes import NoChampion
from training.store import classes, corrections, files, runs, texts, versions
from training.store.corrections_schema import StoreFull

_STATUS: dict[type[Exception], HTTPStatus] = {
    corrections.CorrectionError: HTTPStatus.BAD_REQUEST,
    corrections.UnknownCorrection: HTTPStatus.NOT_FOUND,
    corrections.Disputed: HTTPStatus.CONFLICT,
    corrections.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    classes.UnknownClass: HTTPStatus.NOT_FOUND,
    classes.UnknownChange: HTTPStatus.NOT_FOUND,
    classes.ClassConflict: HTTPStatus.CONFLICT,
    StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
    versions.ModelError: HTTPStatus.NOT_FOUND,
    versions.DamagedVersion: HTTPStatus.UNPROCESSABLE_ENTITY,
    runs.ResumeError: HTTPStatus.CONFLICT,
    NoChampion: HTTPStatus.CONFLICT,
}

_NOT_JSON = "The body is not JSON."

_TYPES = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
}
"""Pydantic's error types, and what the value should be."""


def add_error_handlers(app: FastAPI) -> None:
    """Have an application answer every error as described above."""
    for error, status in _STATUS.items():
        app.add_exception_handler(error, _answer_with(status))
    app.add_exception_handler(ApiError, _shared)
    app.add_exception_handler(OSError, _disk_error)
    app.add_exception_handler(runs.BusyError, _busy)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _shared)
    app.add_exception_handler(Exception, _shared)


def _answer(status: int, message: str, **details: Any) -> Response:
    return RobustJson({"error": message, **details}, status)


def _answer_with(status: HTTPStatus) -> Any:
    async def handle(_: Request, error: Exception) -> Response:
        return _answer(status, str(error))

    return handle


async def _shared(_: Request, error: Exception) -> Response:
    """The answer of both services to an error that is not the trainer's alone."""
    return error_response(error)


async def _busy(_: Request, error: Exception) -> Response:
    assert isinstance(error, runs.BusyError)  # noqa: S101
    return _answer(HTTPStatus.CONFLICT, str(error), run_id=error.run_id)


async def _disk_error(_: Request, error: Exception) -> Response:
    """507 for a full disk, 503 for a file that cannot be read or written."""
    if not isinstance(error, OSError) or (error.filename is None and not files.is_full(error)):
        return error_response(error)  # not of a file
    if files.is_full(error):
        message = f"The disk of {settings.home()} is full. Free some space and try again."
        return _answer(HTTPStatus.INSUFFICIENT_STORAGE, message)
    name = error.filename2 or error.filename
    message = f"{name} cannot be read or written: {files.error_reason(error)}."
    return _answer(HTTPStatus.SERVICE_UNAVAILABLE, message)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first: dict[str, Any] = error.errors()[0]
    in_path = first["loc"][0] == "path"
    status = HTTPStatus.NOT_FOUND if in_path else HTTPStatus.BAD_REQUEST
    return _answer(status, _sentence(first))


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI could not parse the body
        return _answer(HTTPStatus.BAD_REQUEST, _NOT_JSON)
    return error_response(error)


def _sentence(error: dict[str, Any]) -> str:
    """One of Pydantic's errors in plain words, with the name of the field."""
    place, kind = error["loc"], error["type"]
    field = ".".join(str(part) for part in place[1:])
    if kind == "json_invalid":
        return f"The body is not JSON: {error['ctx']['error']} (character {place[1]})."
    if place[0] == "path":
        return f"There is nothing with the {field} {texts.abridged(str(error['input']))}."
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == UNUSABLE_TEXT:
        return f"'{field}' {error['msg']}."
    if not field:
        return "Send a JSON object. The page at / shows an example."
    if kind == "missing":
        return f"'{field}' is missing. The page at / shows an example."
    if kind == "extra_forbidden":
        name = texts.abridged(field)
        return f"There is no field {name}. The page at / lists the fields that there are."
    return f"'{field}' should {_rule(kind, error)}."


def _rule(kind: str, error: dict[str, Any]) -> str:
    """The rest of a sentence that begins with the field: "be a whole number"."""
    limits = error.get("ctx", {})
    match kind:
        case "greater_than_equal":
            return f"be at least {_number(limits['ge'])}"
        case "less_than_equal":
            return f"be at most {_number(limits['le'])}"
        case "greater_than":
            return f"be above {_number(limits['gt'])}"
        case _ if kind in _TYPES:
            return f"be {_TYPES[kind]}"
    return str(error["msg"]).partition(" should ")[2] or f"be different: {error['msg']}"


def _number(limit: float) -> str:
    return f"{int(limit):,}" if limit == int(limit) else f"{limit:g}"
