"""The bodies of requests: pictures raw, in forms or as one array; archives."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

from service.http.errors import ApiError, InternalCall
from service.http.multipart import FormError, FormReader
from service.inference import decoding

TooLarge = Callable[[], ApiError]
NPY = "application/x-npy"
_MULTIPART = "multipart/form-data"
_BENTOML_INTERNAL = "application/vnd.bentoml+pickle"
"""BentoML's services call each other with it, over a socket of their own. BentoML refuses it on a
server's port."""

_MULTIPART_EXTRA = 100_000
"""Bytes that a multipart body may be larger than the one picture in it."""

_MORE_PARTS = 10
"""Parts that a form may have beside the files of a call, before no more of it is read."""

_FILES_PER_CALL = 10
"""A body with many pictures may be as large as this many of the largest."""

_DRAIN_FACTOR = 10
"""How much more than its limit of a refused body is read, so that its client hears the refusal:
many clients only listen once they have sent everything."""


async def one_picture(request: Request) -> bytes:
    """The picture of a call that takes one: the raw body, or the multipart field `image`.

    Raises ApiError: 415 for another content type, 413 when it is too large, 400 for a bad form.
    """
    limit, kind = decoding.limit("MAX_UPLOAD_MB") * 1_000_000, media_type(request)
    if kind != _MULTIPART:
        if kind == _BENTOML_INTERNAL:
            raise InternalCall
        decoding.check_type(kind)
        return await body(request, limit, decoding.too_many_bytes)
    limit += _MULTIPART_EXTRA
    [picture], _ = await _form(request, "image", 1, limit, decoding.too_many_bytes)
    return picture


async def one_picture_with_texts(
    request: Request, fields: Sequence[str]
) -> tuple[bytes, dict[str, str]]:
    """The file of the multipart field `image`, and the texts of the other fields that there are.

    `fields` are those that may be. Raises ApiError as `one_picture` does, and 400 for another one.
    """
    if media_type(request) != _MULTIPART:
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Send {_MULTIPART}, with the picture as a file in the field 'image'.",
        )
    limit = decoding.limit("MAX_UPLOAD_MB") * 1_000_000 + _MULTIPART_EXTRA
    [picture], texts = await _form(request, "image", 1, limit, decoding.too_many_bytes)
    if unknown := sorted(set(texts) - set(fields)):
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            f"There is no field {unknown[0]!r}. Known are image, {', '.join(fields)}.",
        )
    return picture, texts


async def many_pictures(request: Request) -> list[bytes]:
    """The files of the multipart field `images`, in order.

    Raises ApiError as `one_picture` does, and 413 for more than MAX_IMAGES_PER_CALL.
    """
    kind = media_type(request)
    if kind == _BENTOML_INTERNAL:
        raise InternalCall
    if kind != _MULTIPART:
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Send the pictures as {_MULTIPART}, each in a field 'images', or as {NPY}.",
        )
    limit = decoding.limit("MAX_UPLOAD_MB") * 1_000_000 * _FILES_PER_CALL
    at_most = decoding.limit("MAX_IMAGES_PER_CALL")
    files, _ = await _form(request, "images", at_most, limit)
    return files


async def array(request: Request) -> bytes:
    """An array's file. Raises ApiError (413) when it is too large."""
    return await body(request, decoding.limit("MAX_UPLOAD_MB") * 1_000_000)


async def archive(request: Request) -> bytes:
    """An archive: the raw body, or the multipart field `archive`.

    Raises ApiError: 413 when it is too large, 400 for a bad form.
    """
    limit = decoding.limit("MAX_UPLOAD_MB") * 1_000_000 * _FILES_PER_CALL
    if media_type(request) != _MULTIPART:
        return await body(request, limit)
    [content], _ = await _form(request, "archive", 1, limit)
    return content


def media_type(request: Request) -> str:
    """The request's content type, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _form(
    request: Request, field: str, at_most: int, limit: int, too_large: TooLarge | None = None
) -> tuple[list[bytes], dict[str, str]]:
    """The files in `field`, at least one, and the texts of the other fields. Raises ApiError."""
    try:
        reader = FormReader(request.headers.get("content-type", ""))

        def take(piece: bytes) -> None:
            reader.write(piece)
            if reader.form.parts > at_most + _MORE_PARTS:
                raise _too_many(field, at_most)

        await _read(request, limit, take, too_large)
        form = reader.end()
    except FormError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, f"The form cannot be read: {error}") from error
    files = [content for name, content in form.files if name == field]
    if len(files) > at_most:
        raise _too_many(field, at_most)
    if not files:
        kinds = dict.fromkeys((name for name, _ in form.files), "file")
        kinds |= dict.fromkeys((name for name, _ in form.texts), "text")
        found = ", ".join(f"'{name}' ({kind})" for name, kind in kinds.items()) or "none"
        what = "archive" if field == "archive" else "picture"
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            f"Send the {what} as a file in the form field '{field}'. Fields found: {found}.",
        )
    return files, dict(form.texts)


def _too_many(field: str, at_most: int) -> ApiError:
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"There are too many files in '{field}'. Send at most {at_most:,} in a call.",
    )


async def body(request: Request, limit: int, too_large: TooLarge | None = None) -> bytes:
    """Read the whole body. Raises `too_large`, by default a 413, beyond `limit` bytes."""
    pieces: list[bytes] = []
    await _read(request, limit, pieces.append, too_large)
    return b"".join(pieces)


async def _read(
    request: Request,
    limit: int,
    take: Callable[[bytes], None],
    too_large: TooLarge | None,
) -> None:
    """Give each piece of a body to `take`, as it arrives."""
    received, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        more = message.get("more_body", False)
        received += len(piece)
        if received <= limit:
            take(piece)
        elif not more or received > limit * _DRAIN_FACTOR:
            if too_large:
                raise too_large()
            raise ApiError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The request is larger than {limit / 1_000_000:g} MB. Send less at a time.",
            )
