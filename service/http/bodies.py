"""The bodies of requests: pictures raw, in forms or as one array; archives."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

from service.http import limits
from service.http.errors import ApiError, InternalCall
from service.http.multipart import FormError, FormReader

TooLarge = Callable[[int], ApiError]
"""Builds the error for a body of more bytes than its argument."""

FORMATS = "PNG, JPEG, HEIC, AVIF, GIF, WebP, BMP or TIFF"
NPY = "application/x-npy"
_MULTIPART = "multipart/form-data"
_BENTOML_INTERNAL = "application/vnd.bentoml+pickle"
"""BentoML's services call each other with it, over a socket of their own. BentoML refuses it on a
server's port."""

_MULTIPART_EXTRA = 100_000
"""Bytes that a multipart body may be larger than the one picture in it."""

_MORE_PARTS = 10
"""Parts that a form may have beside the files of a call, before no more of it is read."""

_DRAIN_FACTOR = 10
"""How much more than its limit of a refused body is read. Many clients read the response only once
they have sent everything."""


async def one_picture(request: Request) -> tuple[bytes, dict[str, str]]:
    """Read one picture: the raw body, or the multipart field `image` beside texts.

    Raises ApiError: 415 for another content type, 413 when it is too large, 400 for a bad form.
    """
    kind = media_type(request)
    if kind != _MULTIPART:
        if kind == _BENTOML_INTERNAL:
            raise InternalCall
        _check_type(kind)
        return await body(request, limits.picture_bytes(), limits.picture_too_large), {}
    [picture], texts = await _one_file(request)
    return picture, texts


async def one_picture_with_texts(
    request: Request, fields: Sequence[str]
) -> tuple[bytes, dict[str, str]]:
    """Read the file of the multipart field `image`, and the texts of the other fields.

    `fields` names the texts that are allowed. Raises ApiError as `one_picture` does, and 400 for
    another field.
    """
    if media_type(request) != _MULTIPART:
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Send {_MULTIPART}, with the picture as a file in the field 'image'.",
        )
    [picture], texts = await _one_file(request)
    if unknown := sorted(set(texts) - set(fields)):
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            f"There is no field {unknown[0]!r}. Known are image, {', '.join(fields)}.",
        )
    return picture, texts


async def many_pictures(request: Request) -> list[bytes]:
    """Read the files of the multipart field `images`, in order.

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
    files, _ = await _form(request, "images", limits.images_per_call(), limits.call_bytes())
    return files


async def array(request: Request) -> bytes:
    """Read the file of an array. Raises ApiError (413) when it is too large."""
    return await body(request, limits.picture_bytes())


async def archive(request: Request) -> bytes:
    """Read an archive: the raw body, or the multipart field `archive`.

    Raises ApiError: 413 when it is too large, 400 for a bad form.
    """
    if media_type(request) != _MULTIPART:
        return await body(request, limits.call_bytes())
    [content], _ = await _form(request, "archive", 1, limits.call_bytes())
    return content


async def discard(request: Request) -> None:
    """Read a body of any call and forget it: many clients read no response before they have sent
    all. Raises ApiError (413) when it is too large."""
    await _read(request, limits.call_bytes(), lambda _piece: None, limits.request_too_large)


def media_type(request: Request) -> str:
    """Return the request's content type in lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_type(media_type: str) -> None:
    """Raise ApiError (415) for a media type, in lower case, that is not a bitmap image."""
    if media_type.startswith("image/svg"):
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"SVG is not supported. Export the drawing as {FORMATS} and send that.",
        )
    if not media_type.startswith("image/"):
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The content type is {media_type or 'missing'}. Send the picture itself as image/png, "
            "image/jpeg, …, or as multipart/form-data with the picture in the field 'image'.",
        )


async def _one_file(request: Request) -> tuple[list[bytes], dict[str, str]]:
    max_bytes = limits.picture_bytes() + _MULTIPART_EXTRA
    return await _form(request, "image", 1, max_bytes, limits.picture_too_large)


async def _form(
    request: Request,
    field: str,
    max_files: int,
    max_bytes: int,
    too_large: TooLarge = limits.request_too_large,
) -> tuple[list[bytes], dict[str, str]]:
    """Read the files in `field`, at least one, and the texts of the other fields.

    Raises ApiError.
    """
    try:
        reader = FormReader(request.headers.get("content-type", ""))

        def take(piece: bytes) -> None:
            reader.write(piece)
            if reader.form.parts > max_files + _MORE_PARTS:
                raise limits.too_many_files(field, max_files)

        await _read(request, max_bytes, take, too_large)
        form = reader.end()
    except FormError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, f"The form cannot be read: {error}") from error
    files = [content for name, content in form.files if name == field]
    if len(files) > max_files:
        raise limits.too_many_files(field, max_files)
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


async def body(
    request: Request, max_bytes: int, too_large: TooLarge = limits.request_too_large
) -> bytes:
    """Read the whole body. Raises `too_large(max_bytes)` beyond `max_bytes`."""
    pieces: list[bytes] = []
    await _read(request, max_bytes, pieces.append, too_large)
    return b"".join(pieces)


async def _read(
    request: Request, max_bytes: int, take: Callable[[bytes], None], too_large: TooLarge
) -> None:
    """Give each piece of a body to `take`, as it arrives.

    Raises ApiError: 415 for a body that is compressed, 400 for one that is announced and empty. A
    call would act on its defaults then, which is not what its client asked for.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The body has the Content-Encoding {encoding[:50]!r}. Send it without one, as it is.",
            headers={"Accept-Encoding": "identity"},
        )
    received, more = 0, True
    is_reserved = False
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        more = message.get("more_body", False)
        received += len(piece)
        if received > limits.FREE_BODY_BYTES and not is_reserved:
            await limits.reserve_body(request, max_bytes)
            is_reserved = True
        if received <= max_bytes:
            take(piece)
        elif not more or received > max_bytes * _DRAIN_FACTOR:
            raise too_large(max_bytes)
    if not received and "transfer-encoding" in request.headers:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "The request announces a body, but the body is empty. Send it again with its body.",
        )
