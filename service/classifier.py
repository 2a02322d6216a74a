"""The classifier: pictures in, classes and probabilities out.

    bentoml serve service.classifier:Classifier

classifier.openapi.json describes its calls; the page at `/` shows it.
"""

import asyncio
import gc
import io
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import numpy.typing as npt
import orjson
from bentoml import get_current_service  # bentoml looks for its names anew each time
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import settings
from service import pictures, uploads, workers
from service.batching import Batcher
from service.calls import CountedAfterwards, add_middleware, answer_in_front, described_by
from service.champion import Champion
from service.collector import collect_by_the_clock
from service.connections import improve_connections
from service.ledger import Ledger, WrittenBeforeScrapes
from service.refusals import NoModel, Refusal
from service.shadow_feed import ShadowFeed
from training import model_store
from training.preprocess import SIDE

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
        self.ledger = Ledger()
        self.champion = Champion(registration, self.ledger)
        self.shadow = ShadowFeed(registration)
        self.batcher = Batcher(self._forward, self.ledger)

    @bentoml.on_deployment
    @staticmethod
    def forget_former_workers() -> None:
        """Before there are workers: a new one may get the number of one of the last start.

        What the dead leave is removed by their numbers (see Champion), and would be the new one's.
        """
        workers.forget_the_dead()

    @bentoml.on_startup
    def follow_the_champion(self) -> None:
        """Load the champion before the first request, and follow it from then on."""
        _adopt_what_is_packed()
        self.champion.start()
        self.shadow.start()
        collect_by_the_clock()

    @bentoml.on_shutdown
    def stop_following(self) -> None:
        """End the watch, and the shadow's process; count what was answered last."""
        self.ledger.write()
        self.shadow.stop()
        self.champion.stop()

    async def __metrics__(self, text: str) -> str:
        """BentoML's hook: add to a scrape what is true at its moment, as Prometheus text."""
        here = [worker.tag for worker in workers.living() if worker.is_here and worker.tag]
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
    data = await uploads.one_picture(request)
    batcher = _service().batcher
    with batcher.room_for(1):
        image = await _see(data)
        [answer] = await batcher.submit(image[None])
    return _json(answer)


async def classify_many(request: Request) -> Response:
    """POST /classify_many: many pictures. One that cannot be read does not spoil the others."""
    batcher = _service().batcher
    if uploads.media_type(request) == uploads.NPY:
        images = pictures.read_npy(await uploads.array(request))
        with batcher.room_for(len(images)):
            return _json(await batcher.submit(images))
    files = await uploads.many_pictures(request)
    with batcher.room_for(len(files)):
        seen = await asyncio.to_thread(lambda: [_see_or_refuse(file) for file in files])
        good = [image for image in seen if not isinstance(image, Refusal)]
        answers = iter(await batcher.submit(np.stack(good) if good else _NO_IMAGES))
    return _json(
        [{"error": it.sentence} if isinstance(it, Refusal) else next(answers) for it in seen]
    )


async def preview(request: Request) -> Response:
    """POST /preview: what the network sees of a picture, 28x28 PNG."""
    image = await _see(await uploads.one_picture(request))
    png = io.BytesIO()
    Image.fromarray(image).save(png, "PNG")
    return Response(png.getvalue(), media_type="image/png")


async def model(_: Request) -> Response:
    """GET /model: the champion, and what each worker serves."""
    return JSONResponse(await asyncio.to_thread(_describe_champion))


async def ready(_: Request) -> Response:
    """GET /readyz: 200 once this worker serves a model, else 503 and the reason."""
    reason = _service().champion.reason_not_ready
    if reason is not None:
        raise NoModel(reason)
    return PlainTextResponse("ready\n")


answer_in_front(
    Classifier,
    routes=[
        Route("/classify", classify, methods=["POST"]),
        Route("/classify_many", classify_many, methods=["POST"]),
        Route("/preview", preview, methods=["POST"]),
        Route("/model", model),
        Route("/readyz", ready),
        *described_by(Path(__file__).with_name("classifier.openapi.json")),
    ],
)
add_middleware(Classifier, WrittenBeforeScrapes)
improve_connections()

_NO_IMAGES = np.zeros((0, SIDE, SIDE), dtype=np.uint8)


def _service() -> Classifier:
    """This worker's instance of the service."""
    service: Classifier = get_current_service()
    return service


async def _see(data: bytes) -> npt.NDArray[np.uint8]:
    image = pictures.open_picture(data)
    if pictures.is_small(image):
        return pictures.see(image)
    return await asyncio.to_thread(pictures.see, image)


def _see_or_refuse(data: bytes) -> npt.NDArray[np.uint8] | Refusal:
    try:
        return pictures.see(pictures.open_picture(data))
    except Refusal as refusal:
        return refusal


def _answers(scores: npt.NDArray[np.float32], model: model_store.Model) -> list[Answer]:
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
        model_store.adopt(str(packed.tag), Path(bentoml.models.get(packed.tag).path))


def _describe_champion() -> dict[str, Any]:
    tag = model_store.champion()
    living = workers.living()
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
            version = model_store.describe(tag)
        except model_store.ModelError as error:
            return described | {"error": str(error)}
        described["labels"], described["metadata"] = version.labels, version.metadata
        described["class_names"] = version.metadata["class_names"]
    return described
