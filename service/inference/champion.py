"""Serving the champion, and following it: a new one is loaded beside the old and swapped in.

A thread watches WARDROBE_HOME/champion. It loads and warms up a new version off the request path
and then replaces one reference. A forward pass takes the reference once, so requests in flight
finish on the version they began with. A version that does not load leaves the old one serving.
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
from service.metrics import definitions
from service.metrics.buffer import MetricsBuffer
from service.metrics.live_traffic import Traffic
from training.model.preprocess import SIDE
from training.store import versions

_log = logging.getLogger(__name__)

_WATCH_SECONDS = 0.25
_RETRY_SECONDS = 10
"""After a failed load: the reason may pass, as when a version is still being copied in."""

_WARM_UP_BATCHES = (1, 8, 64)
"""Pictures in the forward passes before a version serves: a first pass of a size is slower."""


@dataclass(frozen=True)
class _Served:
    """What one reference holds, so that both are always of the same version."""

    model: versions.Model
    traffic: Traffic


class Champion:
    """The version that this worker serves. `start` begins to follow the champion file."""

    def __init__(self, registration: workers.Registration, metrics_buffer: MetricsBuffer) -> None:
        self._served: _Served | None = None
        self._error: str | None = None
        self._tried: str | None = None
        self._tried_at = 0.0
        self._registration = registration
        self._metrics_buffer = metrics_buffer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="champion", daemon=True)

    def start(self) -> None:
        """Load the champion, if there is one, and keep following it until `stop`."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join()

    @property
    def reason_not_ready(self) -> str | None:
        """Why there is nothing to serve, in a sentence, or None when there is."""
        if self._served is not None:
            return None
        if self._error is not None:
            return f"No model is served: {self._error}"
        return ModelNotReady.FIRST

    def forward(
        self, images: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float32], versions.Model]:
        """Probabilities, float (N, C), of pictures, uint8 (N, 28, 28), and the model they are of.

        They go into the metrics_buffer. Raises NoModel when there is none.
        """
        served = self._served
        if served is None:
            raise ModelNotReady(str(self.reason_not_ready))
        scores = served.model.probabilities(images)
        self._metrics_buffer.record(served.traffic.count, (images, scores))
        return scores, served.model

    def baseline_text(self) -> list[str]:
        """The baseline of what this worker serves, as lines of Prometheus text."""
        return list(self._served.traffic.baseline_text()) if self._served else []

    def _watch(self) -> None:
        while not self._stop.wait(_WATCH_SECONDS):
            try:
                self._look()
                for dead in workers.remove_dead():
                    if dead.is_here:  # else its requests in progress would count for ever
                        multiprocess.mark_process_dead(dead.pid)  # type: ignore[no-untyped-call]
            except OSError:  # a full or vanished disk must not end the watch
                _log.exception("cannot look at the champion")

    def _look(self) -> None:
        tag = versions.champion()
        if tag is None or (tag == self._tried and self._error is None):
            return
        if tag == self._tried and time.monotonic() - self._tried_at < _RETRY_SECONDS:
            return
        self._tried, self._tried_at = tag, time.monotonic()
        try:
            model = versions.load(tag)
            for size in _WARM_UP_BATCHES:
                model.probabilities(np.zeros((size, SIDE, SIDE), dtype=np.uint8))
        except (versions.ModelError, RuntimeError) as error:
            definitions.LOAD_FAILURES.inc()
            self._error = str(error)
            _log.error("the champion stays %s: %s", self._tag, error)
        else:
            self._served, self._error = _Served(model, Traffic(model)), None
            _log.info("serving %s", tag)
        self._registration.tell(self._tag, self._error, tag)

    @property
    def _tag(self) -> str | None:
        return self._served.model.tag if self._served else None
