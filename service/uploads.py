"""The bodies of requests: pictures raw, in forms or as one array; archives; JSON."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

import settings
from service import pictures
from service.refusals import Refusal

NPY = "application/x-npy"
_MULTIPART = "multipart/form-data"

_MULTIPART_EXTRA = 100_000
"""Bytes that a multipart body may be larger than the one picture in it."""

_FILES_PER_CALL = 10
"""A body with many pictures may be as large as this many of the largest."""

_MAX_JSON = 100_000
"""Bytes."""

_DRAIN_FACTOR = 10
"""How much more than its limit of a refused body is read, so that its client hears the refusal:
many clients only listen once they have sent everything."""


async def one_picture(request: Request) -> bytes:
    """The picture of a call that takes one: the raw body, or the multipart field `image`.

    Raises Refusal: 415 for another content type, 413 when it is too large, 400 for a bad form.
    """
    limit = settings.get_int("MAX_UPLOAD_MB") * 1_000_000
    if media_type(request) != _MULTIPART:
        pictures.check_type(request.headers.get("content-type", ""))
        return await limited(request, limit).body()
    files, _ = await _form(limited(request, limit + _MULTIPART_EXTRA), "image", at_most=1)
    return files[0]


async def one_picture_with_texts(
    request: Request, fields: Sequence[str]
) -> tuple[bytes, dict[str, str]]:
    """The file of the multipart field `image`, and the texts of the other fields that there are.

    `fields` are those that may be. Raises Refusal as `one_picture` does, and 400 for another one.
    """
    if media_type(request) != _MULTIPART:
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Send {_MULTIPART}, with the picture as a file in the field 'image'.",
        )
    limit = settings.get_int("MAX_UPLOAD_MB") * 1_000_000 + _MULTIPART_EXTRA
    files, texts = await _form(limited(request, limit), "image", 1, most_texts=len(fields))
    if unknown := sorted(set(texts) - set(fields)):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            f"There is no field {unknown[0]!r}. Known are image, {', '.join(fields)}.",
        )
    return files[0], texts


async def many_pictures(request: Request) -> list[bytes]:
    """The files of the multipart field `images`, in order.

    Raises Refusal as `one_picture` does, and 413 for more than MAX_IMAGES_PER_CALL.
    """
    if media_type(request) != _MULTIPART:
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Send the pictures as {_MULTIPART}, each in a field 'images', or as {NPY}.",
        )
    limit = settings.get_int("MAX_UPLOAD_MB") * 1_000_000 * _FILES_PER_CALL
    at_most = settings.get_int("MAX_IMAGES_PER_CALL")
    files, _ = await _form(limited(request, limit), "images", at_most)
    return files


async def array(request: Request) -> bytes:
    """An array's file. Raises Refusal (413) when it is too large."""
    return await limited(request, settings.get_int("MAX_UPLOAD_MB") * 1_000_000).body()


async def archive(request: Request) -> bytes:
    """An archive: the raw body, or the one file of a form.

    Raises Refusal: 413 when it is too large, 400 for a bad form.
    """
    request = limited(request, settings.get_int("MAX_UPLOAD_MB") * 1_000_000 * _FILES_PER_CALL)
    if media_type(request) != _MULTIPART:
        return await request.body()
    files, _ = await _form(request, "archive", at_most=1)
    return files[0]


async def json_object(request: Request, such_as: str) -> dict[str, Any]:
    """The body as a JSON object; nothing at all counts as an empty one.

    Raises Refusal: 413 when it is too large, 400, with the example `such_as`, for anything else.
    """
    body = await limited(request, _MAX_JSON).body()
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Refusal(HTTPStatus.BAD_REQUEST, f"Send a JSON object, such as {such_as}.")
    return value


def media_type(request: Request) -> str:
    """The request's content type, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _form(
    request: Request, field: str, at_most: int, *, most_texts: int = 0
) -> tuple[list[bytes], dict[str, str]]:
    """The files in `field`, and the texts of the other fields. Raises Refusal."""
    try:
        # One more than allowed is let in, to be refused in our words.
        most_fields = max(at_most, most_texts) + 1
        async with request.form(max_files=at_most + 1, max_fields=most_fields) as form:
            uploads = _uploads(form, field, at_most)
            texts = {name: value for name, value in form.items() if isinstance(value, str)}
            return [await upload.read() for upload in uploads], texts
    except HTTPException as error:
        if error.detail.startswith("Too many files"):
            raise _too_many(field, at_most) from error
        raise Refusal(HTTPStatus.BAD_REQUEST, f"The form cannot be read: {error.detail}") from error


def _uploads(form: FormData, field: str, at_most: int) -> list[UploadFile]:
    values: list[Any] = form.getlist(field)
    uploads = [value for value in values if isinstance(value, UploadFile)]
    if len(uploads) > at_most:
        raise _too_many(field, at_most)
    if not uploads:
        kinds = {
            name: "file" if isinstance(it, UploadFile) else "text" for name, it in form.items()
        }
        found = ", ".join(f"'{name}' ({kind})" for name, kind in kinds.items()) or "none"
        what = "archive" if field == "archive" else "picture"
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            f"Send the {what} as a file in the form field '{field}'. Fields found: {found}.",
        )
    return uploads


def _too_many(field: str, at_most: int) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"There are too many files in '{field}'. Send at most {at_most:,} in a call.",
    )


def limited(request: Request, limit: int) -> Request:
    """The same request, whose body may not be larger than `limit` bytes."""
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received <= limit:
            return message
        while message.get("more_body") and received < limit * _DRAIN_FACTOR:
            message = await request.receive()
            received += len(message.get("body", b""))
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request is larger than {limit / 1_000_000:g} MB. Send less at a time.",
        )

    return Request(request.scope, receive)
