"""The classifier's OpenAPI document: generated from its routes, docstrings and schemas."""

import inspect
from pathlib import Path
from typing import Any

from service.access import policy
from service.decoding import crops
from service.http.openapi import (
    HEALTH_TAG,
    LICENSE,
    SERVERS,
    VERSION,
    Document,
    Error,
    bentoml_paths,
    common_errors,
    with_access,
    with_examples,
)
from service.inference import routes
from service.inference.schemas import Classification, Explanation, LiveModel

EXAMPLES = Path(__file__).parents[1] / "http" / "classifier.examples.json"

_TIMEOUT_SECONDS = 15
_DESCRIPTION = """Send a picture, get its class and the probability of each class.

Every error is `{"error": "…"}`, a sentence that says what to do. BentoML's own client knows
`classify`, `classify_many`, `explain` and `preview` too; `/schema.json` describes them.

Programs on this machine need no token. Others send one, as docs/security.md says."""

_FILE = {"type": "string", "format": "binary"}
_ONE_PICTURE = {
    "description": "The picture itself, or a form with the picture as its only file. Any size, "
    "colours, transparency or rotation; at most 10 MB (`MAX_UPLOAD_MB`) and 50 megapixels "
    "(`MAX_MEGAPIXELS`).",
    "required": True,
    "content": {
        "image/*": {"schema": _FILE},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {"image": _FILE, crops.FIELD: {"type": "string"}},
            }
        },
    },
}
_CROP = {
    "name": crops.FIELD,
    "in": "query",
    "description": crops.DESCRIPTION,
    "schema": {"type": "string"},
}
_LOAD_TEST = {
    "name": routes.LOAD_TEST_HEADER,
    "in": "header",
    "description": "Any value: the pictures are a load test. They are answered like any other, and "
    "left out of the metrics of predictions, drift, unknown pictures and estimated accuracy.",
    "schema": {"type": "string"},
}
_VIEW = {
    "name": "view",
    "in": "query",
    "description": "What is shown.",
    "schema": {"type": "string", "enum": list(routes.VIEWS), "default": routes.VIEWS[0]},
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
    422: {"model": Error, "description": "There is nothing in the picture: it has no class."},
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
    200: {
        "description": "A PNG: grey, of 28x28 pixels, for `model`.",
        "content": {"image/png": {"schema": _FILE}},
    }
}
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"description": "It can.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


def describe() -> Document:
    """Generate the document. FastAPI is imported here: the classifier serves without it."""
    from fastapi.openapi.utils import get_openapi

    document = get_openapi(
        title="Wardrobe: classifier",
        version=VERSION,
        openapi_version="3.1.0",
        description=_DESCRIPTION,
        routes=_described_routes(),
        tags=[
            {"name": "Pictures", "description": "The model's answer, and its input."},
            {"name": "Model", "description": "The live version."},
            HEALTH_TAG,
        ],
        servers=SERVERS,
        license_info=LICENSE,
    )
    document["paths"] = {**bentoml_paths(), **document["paths"]}
    return with_examples(with_access(document, policy.describe), EXAMPLES)


def _described_routes() -> list[Any]:
    """Describe each route of `routes` to FastAPI: its request body, answer and errors."""
    from fastapi import APIRouter
    from fastapi.responses import Response

    errors = common_errors(_TIMEOUT_SECONDS)
    errors_of_get = {status: errors[status] for status in (405, 500)}
    classifying = {**_PICTURE_ERRORS, **_NOT_READY, **errors}
    router = APIRouter()

    def add(endpoint: Any, tag: str, method: str = "GET", **options: Any) -> None:
        summary, _, description = inspect.cleandoc(endpoint.__doc__).partition("\n\n")
        router.add_api_route(
            f"/{endpoint.__name__}",
            endpoint,
            methods=[method],
            tags=[tag],
            operation_id=endpoint.__name__,
            summary=summary.rstrip("."),
            description=description,
            **options,
        )

    def add_post(
        endpoint: Any, body: dict[str, Any], parameters: list[Any], **options: Any
    ) -> None:
        extra = {"requestBody": body, "parameters": parameters}
        add(endpoint, "Pictures", "POST", openapi_extra=extra, **options)

    one, many = Classification, list[Classification | Error]
    add_post(
        routes.classify,
        _ONE_PICTURE,
        [_CROP, _LOAD_TEST],
        response_model=one,
        responses=classifying,
    )
    add_post(
        routes.classify_many,
        _MANY_PICTURES,
        [_LOAD_TEST],
        response_model=many,
        responses=classifying,
    )
    add_post(
        routes.explain, _ONE_PICTURE, [_CROP], response_model=Explanation, responses=classifying
    )
    png = {**_PNG, **_PICTURE_ERRORS, **errors}
    add_post(routes.preview, _ONE_PICTURE, [_CROP, _VIEW], response_class=Response, responses=png)
    add(routes.model, "Model", response_model=LiveModel, responses=errors_of_get)
    text = {**_TEXT, **_NOT_READY, 405: errors[405]}
    add(routes.readyz, HEALTH_TAG["name"], response_class=Response, responses=text)
    return router.routes
