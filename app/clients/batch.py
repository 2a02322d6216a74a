"""Classification of many uploaded pictures in the background, in calls of a bounded size."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import settings
from app.clients import classifier
from app.clients.classifier import Answer, Failed, PictureFile, Unreadable
from app.clients.http import NotReady, ServiceDown, ServiceError
from app.text import images
from app.text.uploads import words_for

CALLS_AT_ONCE = 2
MAX_PICTURES = 200
"""Of one call, so that rows come steadily."""

MAX_PHOTOS = 24
"""Of one call: the classifier takes 0.2 s to find what is in the front of a photo."""

_LEAST_PHOTO = 48 * 48
"""Pixels: a smaller picture is no photo."""

THUMBNAIL_PIXELS = 72
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before a call is made again that found the classifier busy or away."""
MAX_PAUSE = 60.0
"""Seconds that a Retry-After of the classifier is followed."""

GIVE_UP_AFTER = 3
"""Pictures in a row that find nobody, each asked again and alone, before the rest is not asked."""

UNSEEN_SECONDS = 60.0
"""A batch stops when nobody looks at its progress: the visitor has left."""


@dataclass(frozen=True)
class Progress:
    """What is known of a batch, by the files' ids.

    `thumbnails` are data: URLs. `seconds` were spent on it so far. `note` says what it waits for.
    """

    outcomes: Mapping[str, Answer | Unreadable] = field(default_factory=dict)
    thumbnails: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    running: bool = False
    note: str = ""


class Batch:
    """Classifies `files`, by id, in its own threads.

    `known` is the progress of an earlier batch: its files are not asked again unless they failed.
    `headers` are sent with each call: the threads have no visitor of their own.
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
        self._thumbnails = {key: url for key, url in known.thumbnails.items() if key in files}
        unknown = {key: file for key, file in files.items() if key not in self._outcomes}
        self._groups = groups(unknown)
        self._alone: deque[str] = deque()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._lost = 0
        self._note = ""
        self._seen = self._began = time.monotonic()
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
            self._seen = time.monotonic()
            outcomes = dict(self._outcomes)
            if not running:
                rest = Failed(error="Not classified: the page stopped asking.")
                outcomes = {key: outcomes.get(key, rest) for key in self.files}
            until = self._seen if running or self._ended is None else self._ended
            seconds = self._seconds_before + until - self._began
            return Progress(outcomes, dict(self._thumbnails), seconds, running, self._note)

    def _work(self) -> None:
        while group := self._next():
            self._classify(group)
        with self._lock:
            self._ended = time.monotonic()

    def _next(self) -> list[str]:
        with self._lock:
            if self._stopped.is_set() or time.monotonic() - self._seen > UNSEEN_SECONDS:
                return []
            if self._alone:
                return [self._alone.popleft()]
            return next(self._groups, [])

    def _classify(self, group: Sequence[str]) -> None:
        files = [self.files[key] for key in group]
        answers: Sequence[Answer | Unreadable]
        try:
            answers = self._ask(files)
        except ServiceError as error:
            nobody = isinstance(error, NotReady | ServiceDown)
            if len(group) > 1 and not (nobody and self._lost):
                with self._lock:
                    self._alone.extend(group)
                return
            self._count_lost(nobody, error)
            answers = [Failed(error=error.message)] * len(group)
        else:
            self._count_lost(False)
        for key, file, answer in zip(group, files, answers, strict=True):
            self._store(key, file, answer, alone=len(group) == 1)

    def _ask(self, files: Sequence[PictureFile]) -> list[Answer | Unreadable]:
        """Ask for one group, again when the classifier is busy or away. Raises ServiceError."""
        pauses = iter(PAUSES)
        while True:
            try:
                return classifier.classify_many(files, headers=self._headers)
            except ServiceError as error:
                pause = next(pauses, None)
                momentary = error.retry_after is not None or isinstance(error, ServiceDown)
                if pause is None or not momentary or self._stopped.is_set():
                    raise
                self._note = error.message
                self._stopped.wait(min(max(pause, error.retry_after or 0), MAX_PAUSE))
                self._note = ""

    def _count_lost(self, nobody: bool, error: ServiceError | None = None) -> None:
        """Count pictures in a row that found nobody; end the batch when they are many."""
        with self._lock:
            self._lost = self._lost + 1 if nobody else 0
            if error is None or self._lost < GIVE_UP_AFTER:
                return
            self._stopped.set()
            for key in self.files:
                self._outcomes.setdefault(key, Failed(error=error.message))

    def _store(
        self, key: str, file: PictureFile, answer: Answer | Unreadable, *, alone: bool
    ) -> None:
        late = isinstance(answer, Unreadable) and answer.retry
        if late and not alone:
            with self._lock:
                self._alone.append(key)
            return
        if isinstance(answer, Unreadable) and not isinstance(answer, Failed):
            words = words_for(file.data)
            unread = Failed if late else Unreadable
            answer = unread(error=words or answer.error)
        png = images.thumbnail(file.data, THUMBNAIL_PIXELS)
        with self._lock:
            self._outcomes[key] = answer
            self._thumbnails[key] = images.NEUTRAL_TILE if png is None else images.data_url(png)


def groups(files: Mapping[str, PictureFile]) -> Iterator[list[str]]:
    """Split files, by id, into calls that the classifier accepts and answers in time.

    A call is as large as the largest single picture may be, in bytes and in pixels.
    """
    most = min(settings.get_int("MAX_IMAGES_PER_CALL"), MAX_PICTURES)
    most_bytes = settings.get_int("MAX_UPLOAD_MB") * 1_000_000
    most_pixels = settings.get_int("MAX_MEGAPIXELS") * 1_000_000
    group: list[str] = []
    total_bytes = total_pixels = photos = 0
    for key, file in files.items():
        size, pixels = len(file.data), images.pixel_count(file.data)
        is_photo = not 0 < pixels < _LEAST_PHOTO  # 0: the page cannot tell
        fits = total_bytes + size <= most_bytes and total_pixels + pixels <= most_pixels
        if group and (len(group) >= most or photos + is_photo > MAX_PHOTOS or not fits):
            yield group
            group, total_bytes, total_pixels, photos = [], 0, 0, 0
        group.append(key)
        total_bytes, total_pixels = total_bytes + size, total_pixels + pixels
        photos += is_photo
    if group:
        yield group
