"""Keeps some of the pictures that the live version does not know, for a person to name.

Only with KEEP_UNKNOWN=1: pictures of visitors are stored then. A thread writes them to the
corrections as review requests, so that no request waits for the disk.
"""

import logging
import queue
import threading
import time
from typing import NamedTuple

import numpy as np

import settings
from training.model.preprocess import Grey
from training.store import files, versions

_log = logging.getLogger(__name__)

SOURCE = "unknown"
REASON = "The model does not know this picture."

_REVIEW_SECONDS = 10
_MAX_REVIEWS = 5
"""Review requests in that time, of one worker. The store has a limit of open ones, too."""


class _Unknown(NamedTuple):
    """Pictures, uint8 (N, 28, 28), what the version `tag` takes them for, and its tag."""

    images: Grey
    labels: list[str]
    tag: str


class UnknownReviews:
    """Requests reviews of unknown pictures, in a thread of its own."""

    def __init__(self) -> None:
        self._is_enabled = settings.get("KEEP_UNKNOWN") == "1"
        self._next_offer = 0.0
        self._queue: queue.Queue[_Unknown | None] = queue.Queue(maxsize=2)
        self._thread = threading.Thread(target=self._write, name="unknown reviews", daemon=True)

    def start(self) -> None:
        """Start the thread, if unknown pictures are kept at all."""
        if self._is_enabled:
            self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end the thread; at most for a second."""
        if self._thread.is_alive():
            try:
                self._queue.put(None, timeout=1)
            except queue.Full:
                return
            self._thread.join(timeout=1)

    def offer(self, images: Grey, predictions: versions.Predictions, model: versions.Model) -> None:
        """Offer a forward pass: pictures, uint8 (N, 28, 28), and the predictions for them.

        Call it in one thread; it does not block. What comes too fast is left out.
        """
        if not self._is_enabled or predictions.known is None:
            return
        unknown = np.flatnonzero(~predictions.known)[:_MAX_REVIEWS]
        if not len(unknown) or time.monotonic() < self._next_offer or self._queue.full():
            return
        self._next_offer = time.monotonic() + _REVIEW_SECONDS
        labels = predictions.probabilities[unknown].argmax(axis=1).tolist()
        names = [model.class_names[label] for label in labels]
        self._queue.put_nowait(_Unknown(images[unknown], names, model.tag))

    def _write(self) -> None:
        from training.store import corrections  # the database's library takes half a second

        while unknown := self._queue.get():
            try:
                corrections.request_review(
                    (
                        image,
                        corrections.LabelSubmission(
                            label, predicted=label, model=unknown.tag, source=SOURCE
                        ),
                        REASON,
                    )
                    for image, label in zip(unknown.images, unknown.labels, strict=True)
                )
            except (corrections.StoreUnavailable, OSError) as error:
                files.log_once(f"cannot request reviews of unknown pictures: {error}")
