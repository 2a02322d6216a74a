"""What the page asks of the classifier, with typed answers."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import settings
from app.clients.http import Connection, NotReady, ServiceError, connect

SECONDS_PER_IMAGE = 0.25  # what a batch may take at worst, on top of the usual limit
PNG = "image/png"


@dataclass(frozen=True)
class Answer:
    """What the model says about one picture.

    `confidence` and the values of `probabilities` are 0..1; the latter sum to 1 and keep the
    model's order of classes. `model` is the tag that answered.
    """

    label: str
    confidence: float
    probabilities: Mapping[str, float]
    model: str


@dataclass(frozen=True)
class Unreadable:
    """The place of a picture that could not be answered. `error` says why, in a sentence."""

    error: str


@dataclass(frozen=True)
class Timed:
    """An answer, and the seconds from sending the picture to having it."""

    answer: Answer
    seconds: float


@dataclass(frozen=True)
class PictureFile:
    """A picture as it came: its name, its bytes and its media type."""

    name: str
    data: bytes
    media_type: str


@dataclass(frozen=True)
class Down:
    """Nobody answers, or what answers is not a classifier. `reason` is a sentence."""

    reason: str


@dataclass(frozen=True)
class WarmingUp:
    """The classifier is up and about to serve `tag`, None while it cannot say which."""

    tag: str | None
    reason: str


@dataclass(frozen=True)
class AwaitingModel:
    """The classifier is up and waits for a first model."""


@dataclass(frozen=True)
class Ready:
    """`workers` processes answer with `tag`; `champion` differs from it while they change over.

    `trouble` is the sentence of a worker that could not load the champion, None if there is none.
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


def classify(data: bytes, media_type: str = PNG) -> Timed:
    """What the picture in `data` shows. Raises ServiceError."""
    classifier = _classifier()
    begun = time.perf_counter()
    raw = classifier.post("/classify", data=data, headers={"Content-Type": media_type})
    return Timed(_answer(classifier, raw), time.perf_counter() - begun)


def classify_many(pictures: Sequence[PictureFile]) -> list[Answer | Unreadable]:
    """What each picture shows, in order, in calls of at most MAX_IMAGES_PER_CALL pictures.

    Raises ServiceError if a whole call fails.
    """
    limit = settings.get_int("MAX_IMAGES_PER_CALL")
    answers: list[Answer | Unreadable] = []
    for start in range(0, len(pictures), limit):
        answers += _one_call(pictures[start : start + limit])
    return answers


def preview(data: bytes, media_type: str = PNG) -> bytes:
    """The PNG, 28 by 28, that the model sees of a picture. Raises ServiceError."""
    headers = {"Content-Type": media_type}
    return _classifier().send("POST", "/preview", data=data, headers=headers).content


def state() -> State:
    """How the classifier is doing. Never raises ServiceError: being down is a state."""
    classifier = _classifier()
    try:
        raw = classifier.get("/model")
    except NotReady as error:
        return WarmingUp(None, error.message)
    except ServiceError as error:
        return Down(error.message)
    try:
        return _state(raw)
    except (AttributeError, KeyError, TypeError, ValueError):
        return Down(classifier.bad_answer().message)


def _classifier() -> Connection:
    return connect("The classifier", "CLASSIFIER_URL")


def _one_call(pictures: Sequence[PictureFile]) -> list[Answer | Unreadable]:
    classifier = _classifier()
    files = [("images", (one.name, one.data, one.media_type)) for one in pictures]
    patience = 10 + SECONDS_PER_IMAGE * len(files)
    raw = classifier.post("/classify_many", files=files, read_seconds=patience)
    if not isinstance(raw, list) or len(raw) != len(files):
        raise classifier.bad_answer()
    return [_answer_or_error(classifier, one) for one in raw]


def _answer_or_error(classifier: Connection, raw: Any) -> Answer | Unreadable:
    if isinstance(raw, dict) and "error" in raw:
        return Unreadable(str(raw["error"]))
    return _answer(classifier, raw)


def _answer(classifier: Connection, raw: Any) -> Answer:
    try:
        return Answer(
            label=str(raw["label"]),
            confidence=float(raw["confidence"]),
            probabilities={str(k): float(v) for k, v in raw["probabilities"].items()},
            model=str(raw["model"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise classifier.bad_answer() from error


def _state(raw: Any) -> State:
    """Reads /model: {"tag", "metadata", "workers": [{"tag", "error"}], "serving": {tag: n}}."""
    champion: str | None = raw["tag"]
    serving: dict[str, int] = {str(tag): int(n) for tag, n in raw["serving"].items() if n}
    trouble = next((str(one["error"]) for one in raw["workers"] if one.get("error")), None)
    if serving:
        tag = champion if champion in serving else max(serving, key=lambda each: serving[each])
        return Ready(tag, serving[tag], champion or tag, raw["metadata"], trouble)
    if champion is None:
        return AwaitingModel()
    return WarmingUp(champion, trouble or "The workers are loading the model.")
