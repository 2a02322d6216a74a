"""The classifier's HTTP routes. service/http/middleware.py answers them before BentoML's routing.

BentoML's own endpoints of the same names (service/classifier.py) call the same pipeline. These
routes take what those cannot: a raw picture, an array, GET; and they parse a form without writing
its files to disk.
"""

import asyncio
import time
from collections import Counter
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import orjson
from bentoml import get_current_service  # bentoml looks for its names anew each time
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from service.access.caller import caller_of
from service.access.policy import PICTURES
from service.access.rates import rates
from service.decoding import arrays, crops, pictures
from service.http import bodies
from service.http.errors import ApiError, ModelNotReady
from service.http.middleware import SentBeforeMetrics
from service.inference import explanation, pipeline, workers
from training.model.png import encode_png
from training.store import versions

LOAD_TEST_HEADER = "Wardrobe-Load-Test"
"""A call with this header, whatever its value, is answered like any other, but its pictures are in
no metric of the model's health: not in the predictions, drift, unknown pictures or estimated
accuracy, and not in a shadow test."""

VIEWS = ("model", "picture", "mask")
"""What `/preview` can show; the first one unless another is asked for."""


async def classify(request: Request) -> Response:
    """Classify one picture.

    A grey picture of 28x28 pixels with a dark background goes to the model unchanged. Every other
    picture is converted first, as `/preview` shows: rotated as its EXIF says, made grey, inverted
    if its background is light, cropped to the article, scaled and centred. A photo loses its
    background before that, which takes 0.2 s; see docs/serving.md.

    A picture with nothing in it, of one color or transparent, has no class: the answer is 422. Of
    an animation, the first frame with something in it counts.

    Pictures that arrive at the same time share a forward pass; a single one does not wait.
    """
    data, texts = await bodies.one_picture(request)
    crop = crops.asked_for(request.query_params, texts)
    service = get_current_service()
    return _json(await service.pipeline.classify(data, crop, load_test=_is_load_test(request)))


async def explain(request: Request) -> Response:
    """Explain an answer.

    Takes the same pictures as `/classify`, and gives the same answer, with up to six pictures that
    the model learned from and that are most alike for it, and with how much each pixel counts.

    It counts as 82 pictures against `PICTURES_PER_MINUTE`: the model classifies the picture once
    for each patch that is hidden. A worker makes at most eight explanations at a time.
    """
    data, texts = await bodies.one_picture(request)
    crop = crops.asked_for(request.query_params, texts)
    _spend(request, explanation.PASSES)
    return _json(await get_current_service().explainer.explain(data, crop))


async def classify_many(request: Request) -> Response:
    """Classify many pictures.

    Send up to `MAX_IMAGES_PER_CALL` (10,000) pictures in a form, or an array of pictures that are
    28x28 already. Answers keep the order of the pictures. A picture that cannot be read has
    `{"error": …}` in its place and does not affect the others. So has one with nothing in it, and
    one that was not decoded in time (9 s for the call), with `"retry": true` beside the error: send
    it again, alone or with fewer.

    An array is the model's exact input: nothing in it is inverted, and a blank picture has a class.

    A form may have 100 MB (ten times `MAX_UPLOAD_MB`), an array 10 MB (`MAX_UPLOAD_MB`).
    """
    service, began = get_current_service(), time.monotonic()
    if bodies.media_type(request) == bodies.NPY:
        images = arrays.read_npy(await bodies.array(request))
        _spend(request, len(images))
        return _json(
            await service.pipeline.classify_array(images, load_test=_is_load_test(request))
        )
    files = await bodies.many_pictures(request)
    _spend(request, len(files))
    return _json(
        await service.pipeline.classify_many(files, began, load_test=_is_load_test(request))
    )


async def preview(request: Request) -> Response:
    """Show what the model sees of a picture.

    Takes the same pictures as `/classify`. Works without a model.

    `view` chooses what is shown: `model`, the 28x28 pixels that the model gets; `picture`, the
    picture upright, of at most 512x512 pixels; or `mask`, the same with the background dimmed that
    is left out of a photo.
    """
    view = request.query_params.get("view") or VIEWS[0]
    if view not in VIEWS:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            f"There is no view {view[:50]!r}. Known are {', '.join(VIEWS)}.",
        )
    data, texts = await bodies.one_picture(request)
    crop = crops.asked_for(request.query_params, texts)
    if view == VIEWS[0]:
        png = encode_png(await pictures.decode(data, crop))
    else:
        png = await pictures.show(data, crop, mask=view == "mask")
    return Response(png, media_type="image/png")


async def model(_: Request) -> Response:
    """Describe the live version, and which version each worker serves.

    Workers follow a promotion within a second; `workers` shows the progress, and why one could not
    load the live version. Before the first model, `tag` is null and the rest is empty.
    """
    return JSONResponse(await asyncio.to_thread(_describe_live_model))


async def readyz(_: Request) -> Response:
    """Check whether this worker can classify pictures.

    Use it to decide whether to send pictures here.
    """
    reason = get_current_service().champion.reason_not_ready
    if reason is not None:
        raise ModelNotReady(reason)
    return PlainTextResponse("ready\n")


ROUTES = [
    Route("/classify", classify, methods=["POST"]),
    Route("/classify_many", classify_many, methods=["POST"]),
    Route("/explain", explain, methods=["POST"]),
    Route("/preview", preview, methods=["POST"]),
    Route("/model", model),
    Route("/readyz", readyz),
]


def _is_load_test(request: Request) -> bool:
    return LOAD_TEST_HEADER in request.headers


def _spend(request: Request, pictures: int) -> None:
    """Count a call's pictures but the first, which every call is counted for already."""
    if pictures > 1:
        rates().spend(caller_of(request), PICTURES, pictures - 1)


def _json(content: pipeline.Answer | list[pipeline.Answer]) -> Response:
    # The standard library takes longer to write ten probabilities than the network to find them.
    return SentBeforeMetrics(orjson.dumps(content), media_type="application/json")


def _describe_live_model() -> dict[str, Any]:
    """Build a schemas.LiveModel as a dict."""
    tag, served = versions.champion(), get_current_service().champion.model
    alive = workers.list_alive()
    described: dict[str, Any] = {
        "tag": tag,
        "labels": {},
        "metadata": {},
        "class_names": [],
        "workers": [asdict(worker) for worker in alive],
        "serving": dict(Counter(worker.tag for worker in alive if worker.tag)),
    }
    if tag is not None:
        try:
            version = versions.describe(tag)
        except versions.ModelError as error:
            if served is not None:
                described["metadata"] = served.metadata
                described["class_names"] = list(served.class_names)
            return described | {"error": str(error)}
        described["labels"], described["metadata"] = version.labels, version.metadata
        described["class_names"] = version.metadata["class_names"]
    return described
