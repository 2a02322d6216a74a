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
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from service.http.security_headers import API_PAGE

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
        500: {"model": Error, "description": "A mistake in the service. Its log says why."},
        504: {
            "model": Error,
            "description": f"No answer within {timeout} seconds: the request arrived too slowly, "
            "or the machine is overloaded.",
        },
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
        return FileResponse(API_PAGE)

    return [Route("/docs.json", openapi), Route("/", page)]
