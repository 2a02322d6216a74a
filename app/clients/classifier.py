"""The classifier's calls, with typed responses."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field, RootModel

from app.clients import identity
from app.clients.http import Connection, NotReady, ResponseModel, ServiceError, connect
from app.text.translate import N_, _

MANY_SECONDS = 20.0  # the classifier ends a call after 15
PNG = "image/png"
SIDE = 28
"""Pixels of the model's input, each way."""

_previews = ThreadPoolExecutor(max_workers=8, thread_name_prefix="preview")


class Answer(ResponseModel):
    """The classification of one picture.

    `confidence` and the values of `probabilities` are 0..1; the latter sum to 1 and keep the
    model's order of classes. `known` is False if the picture is like none that the model was
    trained on; `familiarity`, 0..1, is the share of validation pictures that are less familiar.
    Both are None if the version cannot tell. `model` is the tag that answered.
    """

    label: str
    confidence: float
    probabilities: Mapping[str, float]
    known: bool | None = None
    familiarity: float | None = None
    model: str


class Unreadable(ResponseModel):
    """The place of a picture that could not be classified. `error` is a sentence that says why.

    `retry`: the picture had no time among the others of its call, and can have an answer alone.
    """

    error: str
    retry: bool = False


class Failed(Unreadable):
    """The place of a picture for which no answer came. Asking again can help."""


class LearnedPicture(ResponseModel):
    """A picture that a version learned from, a PNG of 28x28 pixels, and its class.

    `correction`: a person taught it. `similarity`, 0..1, is how alike it is for the model.
    """

    png: bytes
    label: str
    correction: bool
    similarity: float


_Row = Annotated[tuple[float, ...], Field(min_length=SIDE, max_length=SIDE)]


class Explanation(ResponseModel):
    """Why the model gives an answer.

    `picture` is what it sees, a PNG of 28x28 pixels. `importance` says how much each of these
    counts for the class, -1..1: the model is less sure without what is above 0. `nearest` are
    pictures that it learned from, the most alike first; None if there are none, and `detail` is a
    sentence that says why.
    """

    answer: Answer
    picture: bytes
    importance: Annotated[tuple[_Row, ...], Field(min_length=SIDE, max_length=SIDE)]
    nearest: tuple[LearnedPicture, ...] | None
    detail: str | None


class _Answers(RootModel[list[Answer | Unreadable]]):
    pass


class _Worker(ResponseModel):
    """One process of the classifier. `error` says why it could not load the champion."""

    error: str | None = None


class _Status(ResponseModel):
    """The response of /model: `tag` is the champion, `serving` counts the workers by tag."""

    tag: str | None
    metadata: Mapping[str, Any]
    workers: tuple[_Worker, ...]
    serving: Mapping[str, int]


@dataclass(frozen=True)
class Timed:
    """An answer, and the seconds from sending the picture to receiving it."""

    answer: Answer
    seconds: float


@dataclass(frozen=True)
class PictureFile:
    """A picture as it was uploaded: its name, its bytes and its media type."""

    name: str
    data: bytes
    media_type: str


@dataclass(frozen=True)
class Down:
    """Nobody answers, or another program does. `reason` is a sentence."""

    reason: str


@dataclass(frozen=True)
class WarmingUp:
    """The classifier is up and loads `tag`, None while it cannot say which."""

    tag: str | None
    reason: str


@dataclass(frozen=True)
class AwaitingModel:
    """The classifier is up and waits for a first model."""


@dataclass(frozen=True)
class Ready:
    """`workers` processes answer with `tag`; `champion` differs from it while they change over.

    `trouble` is the message of a worker that could not load the champion, None if there is none.
    """

    tag: str
    workers: int
    champion: str
    metadata: Mapping[str, Any]
    trouble: str | None


State = Down | WarmingUp | AwaitingModel | Ready


def version_of(tag: str) -> str:
    """`fashion_mnist_model:abc` -> `abc`."""
    return tag.partition(":")[2] or tag


def classify(data: bytes, media_type: str = PNG, crop: str = "") -> Timed:
    """Classify one picture, or the part of it that `crop` describes. Raises ServiceError."""
    began = time.perf_counter()
    headers = {"Content-Type": media_type}
    path = "/classify" + _query(crop=crop)
    answer = _classifier().fetch(Answer, "POST", path, data=data, headers=headers)
    return Timed(answer, time.perf_counter() - began)


def classify_and_preview(
    data: bytes, media_type: str = PNG, crop: str = ""
) -> tuple[Timed, bytes | None]:
    """Classify one picture and fetch its preview at the same time; None if there is none.

    Raises ServiceError if there is no answer.
    """
    seen = _previews.submit(_preview_or_none, data, media_type, crop, identity.headers())
    timed = classify(data, media_type, crop)
    return timed, seen.result()


def classify_many(
    pictures: Sequence[PictureFile], headers: Mapping[str, str] | None = None
) -> list[Answer | Unreadable]:
    """Classify pictures, in order, in one request with more `headers`.

    Raises ServiceError if the whole request fails.
    """
    classifier = _classifier()
    files = [("images", (one.name, one.data, one.media_type)) for one in pictures]
    answers = classifier.fetch(
        _Answers,
        "POST",
        "/classify_many",
        files=files,
        headers=headers,
        read_seconds=MANY_SECONDS,
    ).root
    if len(answers) != len(files):
        raise classifier.invalid_response()
    return answers


def explain(data: bytes, media_type: str = PNG, crop: str = "") -> Explanation:
    """Why the answer to a picture, or to a part of it, is what it is. Raises ServiceError."""
    headers = {"Content-Type": media_type}
    path = "/explain" + _query(crop=crop)
    return _classifier().fetch(Explanation, "POST", path, data=data, headers=headers)


def preview(
    data: bytes,
    media_type: str = PNG,
    crop: str = "",
    view: str = "",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A view of a picture, or of a part of it, as a PNG, with more `headers`. Raises ServiceError.

    `view` is `picture`, upright and of at most 512x512 pixels, `mask`, the same with the background
    of a photo dimmed, or by default the model's input, of 28x28 pixels.
    """
    sent = {**(headers or {}), "Content-Type": media_type}
    return _preview(data, crop, view, sent)


def fetch_state() -> State:
    """The state of the classifier. Never raises ServiceError: being down is a state."""
    try:
        status = _classifier().fetch(_Status, "GET", "/model")
    except NotReady as error:
        return WarmingUp(None, error.message)
    except ServiceError as error:
        return Down(error.message)
    champion = status.tag
    serving = {tag: workers for tag, workers in status.serving.items() if workers}
    trouble = next((worker.error for worker in status.workers if worker.error), None)
    if serving:
        tag = champion if champion in serving else max(serving, key=lambda each: serving[each])
        return Ready(tag, serving[tag], champion or tag, status.metadata, trouble)
    if champion is None:
        return AwaitingModel()
    return WarmingUp(champion, trouble or _("The workers are loading the model."))


def _preview_or_none(
    data: bytes, media_type: str, crop: str, headers: Mapping[str, str]
) -> bytes | None:
    try:
        return _preview(data, crop, "", {**headers, "Content-Type": media_type})
    except ServiceError:
        return None


def _preview(data: bytes, crop: str, view: str, headers: Mapping[str, str]) -> bytes:
    path = "/preview" + _query(crop=crop, view=view)
    return _classifier().send("POST", path, data=data, headers=headers).content


def _query(**parameters: str) -> str:
    given = {name: value for name, value in parameters.items() if value}
    return f"?{urlencode(given)}" if given else ""


def _classifier() -> Connection:
    return connect(N_("The classifier"), "CLASSIFIER_URL")
