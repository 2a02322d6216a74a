"""Why the live version gives an answer: pictures that it learned from, and pixels that count.

The nearest pictures are those whose features are most alike. Which pixels count is found by hiding
a patch at a time (Zeiler and Fergus, Visualizing and Understanding Convolutional Networks,
arXiv:1311.2901): where the model is less sure without it, the patch speaks for the answer.

That takes up to 82 forward passes of one picture, so few explanations are made at a time, and
other requests go on between their batches. The metrics count none of these passes.
"""

import asyncio
from base64 import b64encode
from http import HTTPStatus
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from service.decoding import pictures
from service.http.errors import ApiError
from service.inference.champion import Champion
from service.inference.pipeline import to_answers
from training.model.crop import Crop
from training.model.examples import Examples
from training.model.png import encode_png
from training.model.preprocess import SIDE, Grey
from training.store import versions

NEAREST = 6
"""Pictures that an explanation shows."""

_PATCH, _STRIDE = 4, 3
_PLACES = range(0, SIDE - _PATCH + 1, _STRIDE)

PASSES = 1 + len(_PLACES) ** 2
"""Pictures that the model classifies for one explanation, at most."""

_BATCH = 32
"""Pictures in a pass. Other requests wait during one, as they do for each other's."""

_MAX_CALLS = 8
"""Explanations in progress in a worker. Further ones are refused."""

_LEAST = 1e-6

NO_EXAMPLES = (
    "This version was stored without pictures to compare with. Versions that are trained from now "
    "on have them."
)

Explanation = dict[str, Any]
"""A schemas.Explanation, as a dict."""

Importance = npt.NDArray[np.float64]


class _Loaded(NamedTuple):
    """The examples of a version, or the sentence that says why there are none."""

    tag: str
    examples: Examples | None
    detail: str | None


class Explainer:
    """Explains answers of the live version. For use in one event loop."""

    def __init__(self, champion: Champion) -> None:
        self._champion = champion
        self._loaded: _Loaded | None = None
        self._calls = 0

    async def explain(self, data: bytes, crop: Crop | None = None) -> Explanation:
        """Explain the answer to a picture file, or to a part of it.

        Raises ApiError when it cannot be read, or when too many explanations are being made.
        """
        if self._calls >= _MAX_CALLS:
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many explanations are being made. Try again in a second.",
                headers={"Retry-After": "1"},
            )
        self._calls += 1
        try:
            return await self._explain(await pictures.decode(data, crop))
        finally:
            self._calls -= 1

    async def _explain(self, image: Grey) -> Explanation:
        model = self._champion.ready_model()
        one = image[None].copy()  # torch warns of pictures that it must not write to
        predictions, features = model.predict(one), model.outputs(one)[1]
        [answer] = to_answers(predictions, model)
        loaded = await self._load_examples(model.tag)
        importance = await _importance(model, image, answer["idx"])
        nearest = None
        if loaded.examples is not None:
            nearest = _nearest(loaded.examples, features[0], model.class_names)
        return {
            "answer": answer,
            "picture": _png(image),
            "importance": importance.round(3).tolist(),
            "nearest": nearest,
            "detail": loaded.detail,
        }

    async def _load_examples(self, tag: str) -> _Loaded:
        """Load a version's examples once: no version is explained before it is asked for."""
        if self._loaded is None or self._loaded.tag != tag:
            self._loaded = await asyncio.to_thread(_load, tag)
        return self._loaded


def _load(tag: str) -> _Loaded:
    try:
        examples = versions.load_examples(tag)
    except (versions.ModelError, OSError) as error:
        return _Loaded(tag, None, str(error))
    return _Loaded(tag, examples, None if examples is not None else NO_EXAMPLES)


def _nearest(
    examples: Examples, features: npt.NDArray[np.float32], class_names: tuple[str, ...]
) -> list[dict[str, Any]]:
    rows, similarities = examples.nearest(features, NEAREST)
    return [
        {
            "png": _png(examples.images[row]),
            "label": class_names[examples.labels[row]],
            "correction": bool(examples.is_correction[row]),
            "similarity": min(max(float(similarity), 0.0), 1.0),
        }
        for row, similarity in zip(rows, similarities, strict=True)
    ]


async def _importance(model: versions.Model, image: Grey, idx: int) -> Importance:
    """How much each pixel speaks for the class with this index, float (28, 28) of -1..1.

    0 is no difference, and the largest difference is 1 or -1.
    """
    whole = _log_odds(model, image[None].copy(), idx)[0]
    places = [
        (row, column)
        for row in _PLACES
        for column in _PLACES
        if image[row : row + _PATCH, column : column + _PATCH].any()
    ]
    losses = np.zeros((SIDE, SIDE))
    counts = np.zeros((SIDE, SIDE))
    for start in range(0, len(places), _BATCH):
        await asyncio.sleep(0)  # requests that have arrived go first
        some = places[start : start + _BATCH]
        hidden = np.repeat(image[None], len(some), axis=0)
        for picture, (row, column) in zip(hidden, some, strict=True):
            picture[row : row + _PATCH, column : column + _PATCH] = 0
        for odds, (row, column) in zip(_log_odds(model, hidden, idx), some, strict=True):
            losses[row : row + _PATCH, column : column + _PATCH] += whole - odds
            counts[row : row + _PATCH, column : column + _PATCH] += 1
    importance = losses / np.maximum(counts, 1)
    importance[image == 0] = 0  # nothing is hidden where nothing is
    return importance / max(float(np.abs(importance).max()), _LEAST)


def _log_odds(model: versions.Model, images: Grey, idx: int) -> npt.NDArray[np.float64]:
    """Log of the odds of a class, float (N,): unlike probabilities they still differ near 1."""
    logits = model.outputs(images)[2].astype(np.float64)
    others = np.delete(logits, idx, axis=1)
    highest = others.max(axis=1)
    rest = highest + np.log(np.exp(others - highest[:, None]).sum(axis=1))
    odds: npt.NDArray[np.float64] = logits[:, idx] - rest
    return odds


def _png(image: Grey) -> str:
    return b64encode(encode_png(image)).decode("ascii")
