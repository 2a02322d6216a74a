"""The classifier's OpenAPI document: generated from its routes, docstrings and schemas."""

from pathlib import Path
from typing import Any

from service.http.openapi import (
    HEALTH_TAG,
    LICENSE,
    SERVERS,
    VERSION,
    Document,
    Error,
    bentoml_paths,
    common_errors,
    with_examples,
)
from service.inference import routes
from service.inference.schemas import Classification, LiveModel

_TIMEOUT_SECONDS = 15
_DESCRIPTION = """Send a picture, get its class and the probability of each class.

Every error is `{"error": "…"}`, a sentence that says what to do. BentoML's own client knows
`classify`, `classify_many` and `preview` too; `/schema.json` describes them.

There is no log-in: keep this port to your own machine."""

_FILE = {"type": "string", "format": "binary"}
_ONE_PICTURE = {
    "description": "The picture itself, or a form with the picture as its only file. Any size, "
    "colours, transparency or rotation; at most 10 MB (`MAX_UPLOAD_MB`) and 50 megapixels "
    "(`MAX_MEGAPIXELS`).",
    "required": True,
    "content": {
        "image/*": {"schema": _FILE},
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["image"], "properties": {"image": _FILE}}
        },
    },
}
_MANY_PICTURES = {
    "description": "A form with all pictures in one field, or an array as `numpy.save` writes it: "
    "uint8 (N, 28, 28), a bright article on black.",
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["images"],
                "properties": {"images": {"type": "array", "items": _FILE}},
            }
        },
        "application/x-npy": {"schema": _FILE},
    },
}
_PICTURE_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "The picture, form or array cannot be read."},
    413: {"model": Error, "description": "Too large, or too many."},
    415: {"model": Error, "description": "The content type is not accepted."},
}
_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {
        "model": Error,
        "description": "There is no model yet, or too many pictures are waiting.",
        "headers": {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}},
        },
    }
}
_PNG: dict[int | str, dict[str, Any]] = {
    200: {"description": "A grey PNG of 28x28 pixels.", "content": {"image/png": {"schema": _FILE}}}
}
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"description": "It can.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


def describe() -> Document:
    """Generate the document. FastAPI is imported here: the classifier serves without it."""
    from fastapi import APIRouter
    from fastapi.openapi.utils import get_openapi
    from fastapi.responses import Response

    errors = common_errors(_TIMEOUT_SECONDS)
    errors_of_get = {status: errors[status] for status in (405, 500)}
    router = APIRouter()

    def add(endpoint: Any, method: str, tag: str, **options: Any) -> None:
        router.add_api_route(
            f"/{endpoint.__name__}",
            endpoint,
            methods=[method],
            tags=[tag],
            operation_id=endpoint.__name__,
            summary=endpoint.__doc__.partition("\n")[0].rstrip("."),
            description=_body_of(endpoint.__doc__),
            **options,
        )

    add(
        routes.classify,
        "POST",
        "Pictures",
        response_model=Classification,
        responses={**_PICTURE_ERRORS, **_NOT_READY, **errors},
        openapi_extra={"requestBody": _ONE_PICTURE},
    )
    add(
        routes.classify_many,
        "POST",
        "Pictures",
        response_model=list[Classification | Error],
        responses={**_PICTURE_ERRORS, **_NOT_READY, **errors},
        openapi_extra={"requestBody": _MANY_PICTURES},
    )
    add(
        routes.preview,
        "POST",
        "Pictures",
        response_class=Response,
        responses={**_PNG, **_PICTURE_ERRORS, **errors},
        openapi_extra={"requestBody": _ONE_PICTURE},
    )
    add(routes.model, "GET", "Model", response_model=LiveModel, responses=errors_of_get)
    add(
        routes.readyz,
        "GET",
        HEALTH_TAG["name"],
        response_class=Response,
        responses={**_TEXT, **_NOT_READY, 405: errors[405]},
    )
    document = get_openapi(
        title="Wardrobe: classifier",
        version=VERSION,
        openapi_version="3.1.0",
        description=_DESCRIPTION,
        routes=router.routes,
        tags=[
            {"name": "Pictures", "description": "The model's answer, and its input."},
            {"name": "Model", "description": "The live version."},
            HEALTH_TAG,
        ],
        servers=SERVERS,
        license_info=LICENSE,
    )
    document["paths"] = {**bentoml_paths(), **document["paths"]}
    examples = Path(__file__).parents[1] / "http" / "classifier.examples.json"
    return with_examples(document, examples) if examples.exists() else document


def _body_of(docstring: str) -> str:
    """The paragraphs of a docstring below its first line."""
    return "\n".join(line.strip() for line in docstring.splitlines()[1:]).strip()
