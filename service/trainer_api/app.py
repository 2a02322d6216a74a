"""The trainer's FastAPI application: all of its calls, and the document that describes them."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from service.access import policy
from service.http import openapi
from service.trainer_api import classes, corrections, models, problems, runs, shadow
from service.trainer_api.errors import add_error_handlers

TIMEOUT_SECONDS = 60
"""Of a request, after which BentoML answers 504."""

_EXAMPLES = Path(openapi.__file__).with_name("trainer.examples.json")

app = FastAPI(
    title="Wardrobe: trainer",
    description="Trains new versions of the model, lists and promotes them, and keeps the "
    "corrections and classes that people make.\n\n"
    'Every request that is refused gets `{"error": "…"}`, a sentence that says what to do.\n\n'
    "Calls that change something need a token: docs/security.md says where it is.",
    version=openapi.VERSION,
    license_info=openapi.LICENSE,
    servers=openapi.SERVERS,
    openapi_tags=[
        runs.TAG,
        models.TAG,
        shadow.TAG,
        corrections.TAG,
        classes.TAG,
        openapi.HEALTH_TAG,
    ],
    responses=openapi.common_errors(TIMEOUT_SECONDS),
    generate_unique_id_function=lambda route: route.name,
    redirect_slashes=False,
    openapi_url=None,  # the document is at /docs.json, with examples
)


def describe() -> dict[str, Any]:
    """The OpenAPI document of all calls, BentoML's own included."""
    document = app.openapi()
    for path in document["paths"].values():
        for operation in path.values():
            # FastAPI documents its own answer to an invalid request; ours is 400.
            if operation["responses"].get("422", {}).get("description") == "Validation Error":
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    document["paths"] |= openapi.bentoml_paths()
    return openapi.with_examples(openapi.with_access(document, policy.describe), _EXAMPLES)


_routers = (
    runs.router,
    models.router,
    shadow.router,
    corrections.router,
    classes.router,
    problems.router,
)
_pages = openapi.openapi_routes(describe)
for _router in _routers:
    app.include_router(_router)
app.router.routes.extend(_pages)
add_error_handlers(app)

ROUTES = [*_pages, *(it for router in _routers for it in router.routes if isinstance(it, Route))]
"""All routes of the application."""
