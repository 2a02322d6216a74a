"""Classification of many uploaded pictures in the background, in calls of a bounded size."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import settings
from app.clients import classifier
from app.clients.classifier import Answer, Failed, PictureFile, Unreadable
from app.clients.http import NotReady, RequestRejected, ServiceDown, ServiceError
from app.text import images
from app.text.translate import _

CALLS_AT_ONCE = 2
MAX_PICTURES = 50
"""Of one call."""

ROUND_SECONDS = 0.4
"""A thread looks at pictures for so long before it asks for their classes: rows come steadily."""

THUMBNAIL_PIXELS = 96
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before a call is made again that found the classifier busy or away."""
MAX_PAUSE = 60.0
"""Seconds that a Retry-After of the classifier is followed."""

GIVE_UP_AFTER = 3
"""Pictures in a row that find nobody, each asked again and alone, before the rest is not asked."""

UNSEEN_SECONDS = 60.0
"""A batch stops when nobody looks at its progress: the visitor has left."""

_ABOUT_THE_PICTURE = (400, 413, 415, 422)
"""Codes with which the classifier refuses a picture, whoever sends it and however often."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Progress:
    """What is known of a batch, by the files' ids.

    `inputs` are PNGs of 28x28 pixels, what the model sees. `thumbnails` are data: URLs. `seconds`
    were spent on it so far. `note` says what it waits for.
    """

    outcomes: Mapping[str, Answer | Unreadable] = field(default_factory=dict)
    inputs: Mapping[str, bytes] = field(default_factory=dict)
    thumbnails: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    running: bool = False
    note: str = ""


class Batch:
    """Classifies `files`, by id, in its own threads.

    Each picture goes to the classifier once, which reduces it to the model's input; the small
    inputs are classified together. `known` is the progress of an earlier batch: its files are not
    asked again unless they failed. `headers` are sent with each call: the threads have no visitor
    of their own.
    """

    def __init__(
        self,
        files: Mapping[str, PictureFile],
        known: Progress | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        known = known or Progress()
        self.files = files
        self._headers = headers or {}
        self._outcomes = {
            key: outcome
            for key, outcome in known.outcomes.items()
            if key in files and not isinstance(outcome, Failed)
        }
        self._inputs = {key: png for key, png in known.inputs.items() if key in files}
        self._thumbnails = {key: url for key, url in known.thumbnails.items() if key in files}
        self._waiting = deque(key for key in files if key not in self._outcomes)
        self._most = min(settings.get_int("MAX_IMAGES_PER_CALL"), MAX_PICTURES)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._lost = 0
        self._note = ""
        self._looked_at = self._began = time.monotonic()
        self._seconds_before = known.seconds if self._outcomes else 0.0
        self._ended: float | None = None
        self._threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(CALLS_AT_ONCE)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask for no more pictures; calls in flight end unheard."""
        self._stopped.set()

    def wait(self, seconds: float) -> None:
        """Block until every picture has an outcome, at most for some seconds."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def progress(self) -> Progress:
        """Return the progress at this moment. Once it has ended, every file has an outcome."""
        running = any(thread.is_alive() for thread in self._threads)
        with self._lock:
            self._looked_at = time.monotonic()
            outcomes = dict(self._outcomes)
            if not running:
                rest = Failed(error=_("Not classified: the page stopped asking."))
                outcomes = {key: outcomes.get(key, rest) for key in self.files}
            until = self._looked_at if running or self._ended is None else self._ended
            seconds = self._seconds_before + until - self._began
            inputs, thumbnails = dict(self._inputs), dict(self._thumbnails)
            return Progress(outcomes, inputs, thumbnails, seconds, running, self._note)

    def _work(self) -> None:
        while keys := self._reduce_some():
            self._classify([key for key in keys if key in self._inputs])
        with self._lock:
            self._ended = time.monotonic()

    def _reduce_some(self) -> list[str]:
        """Fetch the inputs of the next pictures. Returns their ids, none at the end."""
        keys: list[str] = []
        until = time.monotonic() + ROUND_SECONDS
        while len(keys) < self._most and (not keys or time.monotonic() < until):
            key = self._next()
            if key is None:
                break
            self._reduce(key)
            keys.append(key)
        return keys

    def _next(self) -> str | None:
        with self._lock:
            left = time.monotonic() - self._looked_at > UNSEEN_SECONDS
            if left or self._stopped.is_set() or not self._waiting:
                return None
            return self._waiting.popleft()

    def _reduce(self, key: str) -> None:
        """Make the thumbnail of a picture and fetch its input, unless both are here already."""
        if key in self._inputs:
            return
        file = self.files[key]
        png = images.thumbnail(file.data, THUMBNAIL_PIXELS)
        with self._lock:
            self._thumbnails[key] = images.NEUTRAL_TILE if png is None else images.data_url(png)
        try:
            seen = self._ask(
                lambda: classifier.preview(file.data, file.media_type, headers=self._headers)
            )
        except RequestRejected as error:
            refused = error.status in _ABOUT_THE_PICTURE
            self._store(key, (Unreadable if refused else Failed)(error=error.message))
        except ServiceError as error:
            self._fail([key], error)
        else:
            with self._lock:
                self._inputs[key] = seen

    def _classify(self, keys: Sequence[str]) -> None:
        """Ask for the classes of inputs; for one after the other if the call fails."""
        if not keys:
            return
        files = [PictureFile(key, self._inputs[key], classifier.PNG) for key in keys]
        try:
            answers = self._ask(lambda: classifier.classify_many(files, headers=self._headers))
        except ServiceError as error:
            if len(keys) == 1 or (self._lost and _is_nobody(error)):
                self._fail(keys, error)
                return
            for key in keys:
                self._classify([key])
            return
        with self._lock:
            self._lost = 0
        for key, answer in zip(keys, answers, strict=True):
            if not isinstance(answer, Unreadable) or not answer.retry:
                self._store(key, answer)
            elif len(keys) > 1:
                self._classify([key])
            else:
                self._store(key, Failed(error=answer.error))

    def _ask(self, call: Callable[[], _Result]) -> _Result:
        """Make a call, again when the classifier is busy or away. Raises ServiceError."""
        pauses = iter(PAUSES)
        while True:
            try:
                return call()
            except ServiceError as error:
                pause = next(pauses, None)
                momentary = error.retry_after is not None or isinstance(error, ServiceDown)
                if pause is None or not momentary or self._stopped.is_set():
                    raise
                self._note = error.message
                self._stopped.wait(min(max(pause, error.retry_after or 0), MAX_PAUSE))
                self._note = ""

    def _fail(self, keys: Sequence[str], error: ServiceError) -> None:
        """Store that pictures got no answer; end the batch when many in a row found nobody."""
        for key in keys:
            self._store(key, Failed(error=error.message))
        with self._lock:
            self._lost = self._lost + 1 if _is_nobody(error) else 0
            if self._lost < GIVE_UP_AFTER:
                return
            self._stopped.set()
            for key in self.files:
                self._outcomes.setdefault(key, Failed(error=error.message))

    def _store(self, key: str, outcome: Answer | Unreadable) -> None:
        with self._lock:
            self._outcomes[key] = outcome


def _is_nobody(error: ServiceError) -> bool:
    return isinstance(error, NotReady | ServiceDown)
