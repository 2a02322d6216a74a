"""The OpenAPI document of a service, with examples of real answers, and the page that shows it.

A document is generated from the code. Its examples are captured from running services by
`python -m tests.support.api_examples`, which writes `<service>.examples.json` beside this module:

    {operation id: {status: {media type: {name of the example: value}}}}
"""

import asyncio
import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from service.http.security_headers import API_PAGE, api_page_headers

Document = dict[str, Any]

VERSION = "0.1.0"
LICENSE = {"name": "Apache-2.0"}
SERVERS = [{"url": "."}]
"""The page and the calls have the same origin."""

HEALTH_TAG = {"name": "Health", "description": "For supervisors and Prometheus."}


class Error(BaseModel):
    """The answer to every request that a service refuses."""

    model_config = ConfigDict(extra="allow")

    error: str = Field(description="A sentence that says what to do. Fit to be shown to a person.")


def common_errors(timeout: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for what every call can answer; `timeout` is the service's, seconds."""
    return {
        405: {"model": Error, "description": "The address exists, but not with this method."},
        408: {"model": Error, "description": "The request arrived too slowly, and was cut off."},
        500: {"model": Error, "description": "A mistake in the service. Its log says why."},
        504: {
            "model": Error,
            "description": f"No answer within {timeout} seconds: the request arrived too slowly, "
            "or the machine is overloaded.",
        },
    }


class Access(NamedTuple):
    """What a call asks of whoever sends it.

    `token`: True if it needs one, False if only from other machines, None if nobody needs one.
    `limited`: whether it may be sent only so often.
    """

    token: bool | None
    limited: bool


def with_access(document: Document, access: Callable[[str, str], Access]) -> Document:
    """A copy of a document that says where a token is sent, and how a request is refused for it.

    `access` takes a method and a path.
    """
    document = deepcopy(document)
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token with a role: viewer, teacher or operator.",
        }
    }
    components.setdefault("schemas", {}).setdefault("Error", Error.model_json_schema())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            token, limited = access(method.upper(), path)
            refusals = _refusals(takes_body=bool(token), limited=limited)
            operation["responses"] = refusals | operation["responses"]
            if token is not None:
                operation["security"] = [{"token": []}] if token else [{}, {"token": []}]
    return document


def _refusals(*, takes_body: bool, limited: bool) -> dict[str, Any]:
    found = {
        "401": "No token where one is needed, or one that is wrong, has ended or was withdrawn.",
        "403": "A page of another website asks, or the token's role is not enough.",
        "421": "The Host header names no host of this service: see `ALLOWED_HOSTS`.",
    }
    if takes_body:
        found["415"] = "A kind of body that any website can send, such as `text/plain`."
    if limited:
        found["429"] = "Too many pictures, corrections or runs. `Retry-After` says when to go on."
    return {
        status: {  # a content each: each gets examples of its own
            "description": it,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status, it in found.items()
    }


def bentoml_paths() -> dict[str, Any]:
    """BentoML's own addresses, as `paths` of a document."""
    empty = "The body is an empty line."
    return {
        "/livez": _text_path("livez", "Is the process alive?", f"It is. {empty}"),
        "/healthz": _text_path("healthz", "The older name of /livez", f"It is alive. {empty}"),
        "/readyz": _text_path("readyz", "Is it ready for requests?", f"It is. {empty}"),
        "/metrics": _text_path(
            "metrics", "Metrics for Prometheus", "Prometheus text, summed over all workers."
        ),
    }


def _text_path(operation_id: str, summary: str, answer: str) -> dict[str, Any]:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "get": {
            "operationId": operation_id,
            "tags": [HEALTH_TAG["name"]],
            "summary": summary,
            "responses": {"200": {"description": answer, "content": content}},
        }
    }


def with_examples(document: Document, examples: Path) -> Document:
    """A copy of an OpenAPI 3.1 document with the examples of a file (see the module) in it.

    Raises KeyError for an example of an answer that the document does not describe.
    """
    document = deepcopy(document)
    operations = {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    captured = json.loads(examples.read_text(encoding="utf-8"))
    for operation_id, statuses in captured.items():
        for status, media_types in statuses.items():
            for media_type, values in media_types.items():
                response = operations[operation_id]["responses"][status]
                response["content"][media_type]["examples"] = {
                    name: {"summary": name.replace("_", " ").capitalize(), "value": value}
                    for name, value in values.items()
                }
    return document


def openapi_routes(describe: Callable[[], Document]) -> list[Route]:
    """The page at `/` and the document that it reads, `/docs.json`, which `describe` makes once.

    BentoML's own page loads Google Tag Manager. Ours shows the same viewer, from the files that
    BentoML serves, and sends no request to another server.
    """
    describe_once = cache(describe)

    async def openapi(_: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(describe_once))

    async def page(_: Request) -> Response:
        return FileResponse(API_PAGE, headers=api_page_headers())

    return [Route("/docs.json", openapi), Route("/", page)]
