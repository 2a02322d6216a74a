"""The classifier service: pictures in, classes and probabilities out.

    bentoml serve service.classifier:Classifier

Its endpoints have two doors: BentoML's, for BentoML's clients and for other services' depends(),
and faster HTTP routes at the same addresses (service/inference/routes.py). Both call one pipeline.
"""

import asyncio
import contextlib
import gc
from pathlib import Path
from typing import Annotated

import bentoml
import numpy as np
import numpy.typing as npt
from bentoml.validators import ContentType
from PIL import Image
from pydantic import Field

import settings
from service.access.middleware import guard, make_page_tokens
from service.decoding import crops, pictures
from service.http.endpoints import Endpoints, OnlyEndpoints
from service.http.errors import keep_errors
from service.http.middleware import add_middleware, mount_routes
from service.http.openapi import Error, openapi_routes
from service.http.uvicorn_patches import patch_uvicorn, restart_workers_soon
from service.inference import routes, worker_gauges, workers
from service.inference.batching import Batcher, Rows
from service.inference.champion import Champion
from service.inference.explanation import Explainer
from service.inference.gc_schedule import start_gc_schedule
from service.inference.openapi import describe
from service.inference.pipeline import Answer, Pipeline, to_answers
from service.inference.schemas import Classification, Explanation
from service.inference.unknown_reviews import UnknownReviews
from service.metrics.buffer import FLUSH_SECONDS, MetricsBuffer
from service.metrics.scrapes import OneScrape
from service.shadow.feeder import ShadowFeeder
from training.model import foreground
from training.store import versions

Picture = Annotated[Path, ContentType("image/*")]
CropText = Annotated[str, Field(description=crops.DESCRIPTION)]


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
    """Classifies pictures of clothing. Every worker serves the live version and follows it."""

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
        self.unknown_reviews = UnknownReviews()
        self.explainer = Explainer(self.champion)
        self.pipeline = Pipeline(Batcher(self._forward, self.metrics_buffer))

    @bentoml.api
    @keep_errors
    async def classify(self, image: Picture, crop: CropText = "") -> Classification:
        """Classify one picture, or a part of it."""
        data = await asyncio.to_thread(image.read_bytes)
        return Classification(**await self.pipeline.classify(data, crops.read(crop)))

    @bentoml.api
    @keep_errors
    async def classify_many(self, images: list[Picture]) -> list[Classification | Error]:
        """Classify many pictures. One that cannot be read has an error in its place."""
        files = await asyncio.to_thread(lambda: [image.read_bytes() for image in images])
        answers = await self.pipeline.classify_many(files)
        return [Error(**it) if "error" in it else Classification(**it) for it in answers]

    @bentoml.api
    @keep_errors
    async def explain(self, image: Picture, crop: CropText = "") -> Explanation:
        """Explain the answer to one picture, or to a part of it."""
        data = await asyncio.to_thread(image.read_bytes)
        return Explanation(**await self.explainer.explain(data, crops.read(crop)))

    @bentoml.api
    @keep_errors
    async def preview(
        self, image: Picture, crop: CropText = ""
    ) -> Annotated[Image.Image, ContentType("image/png")]:
        """Show what the model sees of a picture: grey, 28x28."""
        data = await asyncio.to_thread(image.read_bytes)
        return Image.fromarray(await pictures.decode(data, crops.read(crop)))

    @bentoml.on_deployment
    @staticmethod
    def remove_dead_workers() -> None:
        """Clear the registry before workers start: a new one may get the number of a dead one.

        Champion removes what the dead leave by their numbers, and would remove the new one's.
        """
        with contextlib.suppress(OSError):  # a read-only disk: the champion is served all the same
            workers.remove_dead()

    @bentoml.on_startup
    def follow_live_version(self) -> None:
        """Load the live version before the first request, and follow it from then on."""
        make_page_tokens()
        foreground.is_on()  # says so now if it is not
        _adopt_packed_version()
        self.champion.start()
        self.shadow.start()
        self.unknown_reviews.start()
        start_gc_schedule()

    @bentoml.on_shutdown
    def stop_following(self) -> None:
        """Stop following, end the shadow's process and flush the metrics."""
        self.metrics_buffer.flush()
        self.shadow.stop()
        self.unknown_reviews.stop()
        self.champion.stop()

    async def __metrics__(self, text: str) -> str:
        """Add the gauges that are read at the time of a scrape. BentoML calls this hook."""
        return text + await asyncio.to_thread(worker_gauges.collect, self.champion.model)

    def _forward(self, images: npt.NDArray[np.uint8], live_rows: Rows | None) -> list[Answer]:
        """Classify pictures, uint8 (N, 28, 28). Raises ModelNotReady before the first model.

        Only `live_rows` (None: all) are for the shadow and for reviews; the others are a load test.
        """
        predictions, model = self.champion.forward(images, live_rows)
        live = predictions if live_rows is None else predictions.rows(live_rows)
        if len(live.probabilities):
            live_images = images if live_rows is None else images[live_rows]
            self.shadow.offer(live_images, live.probabilities, model.tag)
            self.unknown_reviews.offer(live_images, live, model)
        return to_answers(predictions, model)


_routes = [*routes.ROUTES, *openapi_routes(describe)]
_endpoints = Endpoints(_routes)
add_middleware(Classifier, OnlyEndpoints, endpoints=_endpoints)
guard(Classifier)
# Both intervals have passed in every worker then: one that is running, and the one that follows.
add_middleware(Classifier, OneScrape, delay_seconds=2 * FLUSH_SECONDS)
mount_routes(Classifier, _routes)
patch_uvicorn("classifier", _endpoints)
restart_workers_soon()


def _adopt_packed_version() -> None:
    """Let the version in a Bento be the first live version of an empty WARDROBE_HOME."""
    bento = Classifier.bento  # type: ignore[attr-defined]  # the decorator makes it a Service
    for packed in bento.info.all_models if bento else []:
        versions.adopt(str(packed.tag), Path(bentoml.models.get(packed.tag).path))
