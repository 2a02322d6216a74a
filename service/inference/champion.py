"""The champion, the version that a worker serves, and its replacement without a break.

A thread watches the file WARDROBE_HOME/champion. It loads and warms up a new version outside the
request path and then replaces one reference. A forward pass reads the reference once, so requests
in progress finish on the version they started with. If a version does not load, the worker keeps
serving the old one; one that has just started serves the newest earlier champion that loads.
"""

import logging
import threading
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from prometheus_client import multiprocess

from service.http.errors import ModelNotReady
from service.inference import workers
from service.inference.batching import Rows
from service.metrics import definitions
from service.metrics.buffer import MetricsBuffer
from service.metrics.live_traffic import LiveTraffic, count_load_test
from training.model.preprocess import SIDE
from training.store import files, versions

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.25
_RETRY_SECONDS = 10
"""After a failed load. The cause may be temporary: a version that is still being copied in."""

_WARM_UP_BATCHES = (1, 8, 64)
"""Pictures in the forward passes before a version serves: the first pass of a size is slower."""


@dataclass(frozen=True)
class _LiveModel:
    """A version and its counters, in one reference: both always belong to the same version."""

    model: versions.Model
    traffic: LiveTraffic


class Champion:
    """Loads the champion and follows the file that names it."""

    def __init__(self, registration: workers.Registration, metrics_buffer: MetricsBuffer) -> None:
        self._live: _LiveModel | None = None
        self._error: str | None = None
        self._last_tried: str | None = None
        self._last_tried_at = 0.0
        self._registration = registration
        self._metrics_buffer = metrics_buffer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="champion", daemon=True)

    def start(self) -> None:
        """Load the champion, if there is one, and follow it until `stop`."""
        self._refresh()
        self._thread.start()

    def stop(self) -> None:
        """Stop following the champion."""
        self._stop.set()
        self._thread.join()

    @property
    def model(self) -> versions.Model | None:
        """The version that this worker serves, None before the first one."""
        live = self._live
        return live.model if live else None

    @property
    def reason_not_ready(self) -> str | None:
        """The reason why this worker serves no version, as a sentence; None if it serves one."""
        if self._live is not None:
            return None
        if self._error is not None:
            return f"No model is served: {self._error}"
        return ModelNotReady.FIRST

    def ready_model(self) -> versions.Model:
        """Return the version that this worker serves. Raises ModelNotReady when there is none."""
        if self._live is None:
            raise ModelNotReady(str(self.reason_not_ready))
        return self._live.model

    def forward(
        self, images: npt.NDArray[np.uint8], live_rows: Rows | None = None
    ) -> tuple[versions.Predictions, versions.Model]:
        """Classify pictures, uint8 (N, 28, 28).

        Returns the predictions and the model that made them. Those of `live_rows` (None: of all)
        are recorded in the metrics buffer; the others are counted as a load test. Raises
        ModelNotReady when no version is served.
        """
        live = self._live
        if live is None:
            raise ModelNotReady(str(self.reason_not_ready))
        predictions = live.model.predict(images)
        if live_rows is None:
            self._metrics_buffer.record(live.traffic.count, (images, predictions))
            return predictions, live.model
        self._metrics_buffer.record(count_load_test, len(images) - len(live_rows))
        if len(live_rows):
            counted = images[live_rows], predictions.rows(live_rows)
            self._metrics_buffer.record(live.traffic.count, counted)
        return predictions, live.model

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            try:
                self._refresh()
                self._registration.repair()
                for dead in workers.remove_dead():
                    if dead.is_here:  # else its requests in progress would be counted for ever
                        multiprocess.mark_process_dead(dead.pid)  # type: ignore[no-untyped-call]
            except OSError as error:  # a full or unmounted disk must not end this thread
                files.log_once(f"cannot follow the champion: {files.error_reason(error)}")

    def _refresh(self) -> None:
        tag = versions.champion()
        if tag is None or (tag == self._last_tried and self._error is None):
            return
        if tag == self._last_tried and time.monotonic() - self._last_tried_at < _RETRY_SECONDS:
            return
        self._last_tried, self._last_tried_at = tag, time.monotonic()
        self._error = self._load(tag)
        if self._error is not None and self._live is None:
            for earlier in versions.former_champions(tag):
                if self._load(earlier) is None:
                    break
        self._registration.report(self._tag, self._error, tag)

    def _load(self, tag: str) -> str | None:
        """Load a version and serve it. Returns the reason, a sentence, if it does not load."""
        try:
            model = versions.load(tag)
            for size in _WARM_UP_BATCHES:
                model.predict(np.zeros((size, SIDE, SIDE), dtype=np.uint8))
        except (versions.ModelError, RuntimeError) as error:
            definitions.LOAD_FAILURES.inc()
            _log.error("cannot load %s, serving %s: %s", tag, self._tag or "nothing", error)
            return str(error)
        self._live = _LiveModel(model, LiveTraffic(model))
        _log.info("serving %s", tag)
        return None

    @property
    def _tag(self) -> str | None:
        return self.model.tag if self.model else None
