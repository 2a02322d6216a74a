"""From the bytes of pictures to answers: decode, wait for a batch, classify.

The one implementation behind the HTTP routes (service/inference/routes.py) and BentoML's own
endpoints (service/classifier.py).
"""

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import numpy as np
import numpy.typing as npt

from service.decoding import pictures
from service.http import limits
from service.http.errors import ApiError
from service.inference.batching import Batcher
from training.model.crop import Crop
from training.model.preprocess import SIDE
from training.store import versions

Answer = dict[str, Any]
"""A schemas.Classification, or an openapi.Error in the place of a picture without one, as a dict:
validating an answer takes longer than classifying a picture."""

_NO_IMAGES = np.zeros((0, SIDE, SIDE), dtype=np.uint8)


class Pipeline:
    """Classifies pictures. For use in one event loop."""

    def __init__(self, batcher: Batcher[Answer]) -> None:
        self._batcher = batcher

    async def classify(
        self, data: bytes, crop: Crop | None = None, *, load_test: bool = False
    ) -> Answer:
        """Classify a picture file, or a part of it. Raises ApiError when it cannot be read.

        A picture of a `load_test` counts in no metric of the model's health.
        """
        with self._batcher.room_for(1):
            image = await pictures.decode(data, crop)
            [answer] = await self._batcher.submit(image[None], load_test=load_test)
        return answer

    async def classify_many(
        self, files: Sequence[bytes], began: float | None = None, *, load_test: bool = False
    ) -> list[Answer]:
        """Classify picture files, in order. One that cannot be read does not spoil the others.

        `began` is when the call arrived, in seconds of time.monotonic(): by default it is now. What
        is not decoded in time has an error in its place.

        Raises ApiError (413) for more than MAX_IMAGES_PER_CALL files.
        """
        if len(files) > limits.images_per_call():
            raise limits.too_many_files("images", limits.images_per_call())
        with self._batcher.room_for(len(files)):
            deadline = (began or time.monotonic()) + pictures.MANY_SECONDS
            decoded = await pictures.decode_many(files, deadline)
            good = [image for image in decoded if not isinstance(image, ApiError)]
            images = np.stack(good) if good else _NO_IMAGES
            answers = iter(await self._batcher.submit(images, load_test=load_test))
        return [
            _no_answer(item) if isinstance(item, ApiError) else next(answers) for item in decoded
        ]

    async def classify_array(
        self, images: npt.NDArray[np.uint8], *, load_test: bool = False
    ) -> list[Answer]:
        """Classify preprocessed pictures, uint8 (N, 28, 28)."""
        with self._batcher.room_for(len(images)):
            return await self._batcher.submit(images, load_test=load_test)


def _no_answer(error: ApiError) -> Answer:
    momentary = error.status == HTTPStatus.SERVICE_UNAVAILABLE
    return {"error": error.message, "retry": True} if momentary else {"error": error.message}


def to_answers(predictions: versions.Predictions, model: versions.Model) -> list[Answer]:
    """Turn predictions into answers."""
    names, scores = model.class_names, predictions.probabilities
    unmeasured = [None] * len(scores)
    known, familiarity = predictions.known, predictions.familiarity
    return [
        {
            "label": names[idx],
            "idx": idx,
            "confidence": probabilities[idx],
            "probabilities": dict(zip(names, probabilities, strict=True)),
            "known": is_known,
            "familiarity": familiar,
            "model": model.tag,
        }
        for idx, probabilities, is_known, familiar in zip(
            scores.argmax(1).tolist(),
            scores.tolist(),
            unmeasured if known is None else known.tolist(),
            unmeasured if familiarity is None else familiarity.tolist(),
            strict=True,
        )
    ]
