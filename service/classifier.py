"""The classifier: pictures in, classes and probabilities out.

    bentoml serve service.classifier:Classifier

classifier.openapi.json describes its calls; the page at `/` shows it.
"""

import asyncio
import gc
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import numpy.typing as npt
import orjson
from bentoml import get_current_service  # bentoml looks for its names anew each time
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import settings
from service.http import bodies
from service.http.errors import ApiError, ModelNotReady
from service.http.middleware import CountedAfterwards, add_middleware, mount_routes, openapi_routes
from service.http.uvicorn_patches import patch_uvicorn
from service.inference import decoding, workers
from service.inference.batching import Batcher
from service.inference.champion import Champion
from service.inference.gc_schedule import start_gc_schedule
from service.metrics.buffer import FlushBeforeScrape, MetricsBuffer
from service.shadow.feeder import ShadowFeeder
from training.model.png import encode_png
from training.model.preprocess import SIDE
from training.store import versions

Answer = dict[str, Any]


@bentoml.service(
    name="classifier",
    workers=settings.get_int("CLASSIFIER_WORKERS"),
    # BentoML keeps a timer of each request until it would have run out, answered or not: a longer
    # time limit is memory.
    traffic={"timeout": 15},
    # Nobody collects traces; to prepare one for each request costs half of the framework's time.
    tracing={"excluded_urls": ".*"},
    # The access log costs as much as a forward pass; the metrics count every request.
    logging={"access": {"enabled": False}},
    metrics={"enabled": True, "duration": {"min": 0.001, "max": 10.0, "factor": 1.5}},
)
class Classifier:
    """Names pieces of clothing. Every worker serves the champion and follows it."""

    def __init__(self) -> None:
        # To collect while torch is being imported takes a quarter of a second and finds nothing.
        gc.disable()
        import torch

        # One thread a worker: workers are what uses the cores, and small batches gain nothing.
        torch.set_num_threads(1)
        registration = workers.Registration()
        self.metrics_buffer = MetricsBuffer()
        self.champion = Champion(registration, self.metrics_buffer)
        self.shadow = ShadowFeeder(registration)
        self.batcher = Batcher(self._forward, self.metrics_buffer)

    @bentoml.on_deployment
    @staticmethod
    def forget_former_workers() -> None:
        """Before there are workers: a new one may get the number of one of the last start.

        What the dead leave is removed by their numbers (see Champion), and would be the new one's.
        """
        workers.remove_dead()

    @bentoml.on_startup
    def follow_the_champion(self) -> None:
        """Load the champion before the first request, and follow it from then on."""
        _adopt_what_is_packed()
        self.champion.start()
        self.shadow.start()
        start_gc_schedule()

    @bentoml.on_shutdown
    def stop_following(self) -> None:
        """End the watch, and the shadow's process; count what was answered last."""
        self.metrics_buffer.flush()
        self.shadow.stop()
        self.champion.stop()

    async def __metrics__(self, text: str) -> str:
        """BentoML's hook: add to a scrape what is true at its moment, as Prometheus text."""
        here = [worker.tag for worker in workers.list_alive() if worker.is_here and worker.tag]
        shadows = Counter(tag for worker, tag in workers.shadows() if worker.is_here)
        lines = [
            "# HELP wardrobe_model_loaded Workers that serve a version.",
            "# TYPE wardrobe_model_loaded gauge",
            *(f'wardrobe_model_loaded{{model="{tag}"}} {n}' for tag, n in Counter(here).items()),
            "# HELP wardrobe_shadow_workers Workers with a version in the champion's shadow.",
            "# TYPE wardrobe_shadow_workers gauge",
            *(f'wardrobe_shadow_workers{{model="{tag}"}} {n}' for tag, n in shadows.items()),
            *self.champion.baseline_text(),
        ]
        return text + "\n".join(lines) + "\n"

    def _forward(self, images: npt.NDArray[np.uint8]) -> list[Answer]:
        """Name pictures, uint8 (N, 28, 28). Raises NoModel (503) before the first model."""
        scores, model = self.champion.forward(images)
        self.shadow.offer(images, scores, model.tag)
        return _answers(scores, model)


async def classify(request: Request) -> Response:
    """POST /classify: one picture."""
    data = await bodies.one_picture(request)
    batcher = _service().batcher
    with batcher.room_for(1):
        image = await _see(data)
        [answer] = await batcher.submit(image[None])
    return _json(answer)


async def classify_many(request: Request) -> Response:
    """POST /classify_many: many pictures. One that cannot be read does not spoil the others."""
    batcher = _service().batcher
    if bodies.media_type(request) == bodies.NPY:
        images = decoding.read_npy(await bodies.array(request))
        with batcher.room_for(len(images)):
            return _json(await batcher.submit(images))
    files = await bodies.many_pictures(request)
    with batcher.room_for(len(files)):
        seen = await asyncio.to_thread(lambda: [_see_or_refuse(file) for file in files])
        good = [image for image in seen if not isinstance(image, ApiError)]
        answers = iter(await batcher.submit(np.stack(good) if good else _NO_IMAGES))
    return _json(
        [{"error": it.message} if isinstance(it, ApiError) else next(answers) for it in seen]
    )


async def preview(request: Request) -> Response:
    """POST /preview: what the network sees of a picture, 28x28 PNG."""
    image = await _see(await bodies.one_picture(request))
    return Response(encode_png(image), media_type="image/png")


async def model(_: Request) -> Response:
    """GET /model: the champion, and what each worker serves."""
    return JSONResponse(await asyncio.to_thread(_describe_champion))


async def ready(_: Request) -> Response:
    """GET /readyz: 200 once this worker serves a model, else 503 and the reason."""
    reason = _service().champion.reason_not_ready
    if reason is not None:
        raise ModelNotReady(reason)
    return PlainTextResponse("ready\n")


mount_routes(
    Classifier,
    routes=[
        Route("/classify", classify, methods=["POST"]),
        Route("/classify_many", classify_many, methods=["POST"]),
        Route("/preview", preview, methods=["POST"]),
        Route("/model", model),
        Route("/readyz", ready),
        *openapi_routes(Path(__file__).parent / "http" / "classifier.openapi.json"),
    ],
)
add_middleware(Classifier, FlushBeforeScrape)
patch_uvicorn()

_NO_IMAGES = np.zeros((0, SIDE, SIDE), dtype=np.uint8)


def _service() -> Classifier:
    """This worker's instance of the service."""
    service: Classifier = get_current_service()
    return service


async def _see(data: bytes) -> npt.NDArray[np.uint8]:
    image = decoding.open_picture(data)
    if decoding.is_small(image):
        return decoding.decode(image)
    return await asyncio.to_thread(decoding.decode, image)


def _see_or_refuse(data: bytes) -> npt.NDArray[np.uint8] | ApiError:
    try:
        return decoding.decode(decoding.open_picture(data))
    except ApiError as refusal:
        return refusal


def _answers(scores: npt.NDArray[np.float32], model: versions.Model) -> list[Answer]:
    """Probabilities, float (N, C), as the answers of the contract."""
    names = model.class_names
    return [
        {
            "label": names[idx],
            "idx": idx,
            "confidence": probabilities[idx],
            "probabilities": dict(zip(names, probabilities, strict=True)),
            "model": model.tag,
        }
        for idx, probabilities in zip(scores.argmax(1).tolist(), scores.tolist(), strict=True)
    ]


def _json(content: Answer | list[Answer]) -> Response:
    """Ten probabilities take the standard library longer to write than the network to find."""
    return CountedAfterwards(orjson.dumps(content), media_type="application/json")


def _adopt_what_is_packed() -> None:
    """A Bento brings a version along; it is the first champion of a WARDROBE_HOME without one."""
    bento = Classifier.bento  # type: ignore[attr-defined]  # the decorator makes it a Service
    for packed in bento.info.all_models if bento else []:
        versions.adopt(str(packed.tag), Path(bentoml.models.get(packed.tag).path))


def _describe_champion() -> dict[str, Any]:
    tag = versions.champion()
    living = workers.list_alive()
    described: dict[str, Any] = {
        "tag": tag,
        "labels": {},
        "metadata": {},
        "class_names": [],
        "workers": [asdict(worker) for worker in living],
        "serving": dict(Counter(worker.tag for worker in living if worker.tag)),
    }
    if tag is not None:
        try:
            version = versions.describe(tag)
        except versions.ModelError as error:
            return described | {"error": str(error)}
        described["labels"], described["metadata"] = version.labels, version.metadata
        described["class_names"] = version.metadata["class_names"]
    return described
