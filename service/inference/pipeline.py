"""From the bytes of pictures to answers: decode, wait for a batch, classify.

The one implementation behind the HTTP routes (service/inference/routes.py) and BentoML's own
endpoints (service/classifier.py).
"""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import numpy as np
import numpy.typing as npt

from service.http.errors import ApiError
from service.inference import decoding
from service.inference.batching import Batcher
from training.model.preprocess import SIDE
from training.store import versions

Answer = dict[str, Any]
"""A schemas.Classification, or an openapi.Error in the place of an unreadable picture, as a dict:
validating an answer takes longer than classifying a picture."""

_NO_IMAGES = np.zeros((0, SIDE, SIDE), dtype=np.uint8)


class Pipeline:
    """Classifies pictures. For use in one event loop."""

    def __init__(self, batcher: Batcher[Answer]) -> None:
        self._batcher = batcher

    async def classify(self, data: bytes) -> Answer:
        """Classify the picture file `data`. Raises ApiError when it cannot be read."""
        with self._batcher.room_for(1):
            image = await decode(data)
            [answer] = await self._batcher.submit(image[None])
        return answer

    async def classify_many(self, files: Sequence[bytes]) -> list[Answer]:
        """Classify picture files, in order. One that cannot be read does not spoil the others.

        Raises ApiError (413) for more than MAX_IMAGES_PER_CALL files.
        """
        check_count(len(files), "images")
        with self._batcher.room_for(len(files)):
            decoded = await asyncio.to_thread(lambda: [_decode_or_error(file) for file in files])
            good = [image for image in decoded if not isinstance(image, ApiError)]
            answers = iter(await self._batcher.submit(np.stack(good) if good else _NO_IMAGES))
        return [
            {"error": item.message} if isinstance(item, ApiError) else next(answers)
            for item in decoded
        ]

    async def classify_array(self, images: npt.NDArray[np.uint8]) -> list[Answer]:
        """Classify preprocessed pictures, uint8 (N, 28, 28)."""
        with self._batcher.room_for(len(images)):
            return await self._batcher.submit(images)


async def decode(data: bytes) -> npt.NDArray[np.uint8]:
    """Decode a picture file to the model's input, uint8 (28, 28). Raises ApiError.

    Large pictures are decoded in a thread.
    """
    image = decoding.open_picture(data)
    if decoding.is_small(image):
        return decoding.decode(image)
    return await asyncio.to_thread(decoding.decode, image)


def check_count(count: int, field: str) -> None:
    """Refuse (413) more pictures than MAX_IMAGES_PER_CALL."""
    limit = decoding.limit("MAX_IMAGES_PER_CALL")
    if count > limit:
        raise ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"There are too many files in '{field}'. Send at most {limit:,} in a call.",
        )


def to_answers(scores: npt.NDArray[np.float32], model: versions.Model) -> list[Answer]:
    """Turn probabilities, float (N, C), into answers."""
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


def _decode_or_error(data: bytes) -> npt.NDArray[np.uint8] | ApiError:
    try:
        return decoding.decode(decoding.open_picture(data))
    except ApiError as error:
        return error
