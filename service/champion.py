"""Serving the champion, and following it: a new one is loaded beside the old and swapped in.

A thread watches WARDROBE_HOME/champion. It loads and warms up a new version off the request path
and then replaces one reference. A forward pass takes the reference once, so requests in flight
finish on the version they began with. A version that does not load leaves the old one serving.
"""

import logging
import threading
import time

import numpy as np
import numpy.typing as npt
from prometheus_client import multiprocess

from service import metrics, workers
from service.refusals import NoModel
from training import model_store
from training.preprocess import SIDE, to_input

_log = logging.getLogger(__name__)

_WATCH_SECONDS = 0.25
_RETRY_SECONDS = 10
"""After a failed load: the reason may pass, as when a version is still being copied in."""

_WARM_UP_BATCHES = (1, 8, 64)
"""Pictures in the forward passes before a version serves: a first pass of a size is slower."""


class Champion:
    """The version that this worker serves. `start` begins to follow the champion file."""

    def __init__(self) -> None:
        self._model: model_store.Model | None = None
        self._error: str | None = None
        self._tried: str | None = None
        self._tried_at = 0.0
        self._registration = workers.Registration()
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
        if self._model is not None:
            return None
        if self._error is not None:
            return f"No model is served: {self._error}"
        return NoModel.FIRST

    def forward(
        self, images: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float32], model_store.Model]:
        """Probabilities, float (N, C), of pictures, uint8 (N, 28, 28), and the model they are of.

        Raises NoModel when there is none.
        """
        model = self._model
        if model is None:
            raise NoModel(str(self.reason_not_ready))
        return _probabilities(model, images), model

    def _watch(self) -> None:
        while not self._stop.wait(_WATCH_SECONDS):
            try:
                self._look()
                for dead in workers.forget_the_dead():
                    if dead.is_here:  # else its requests in progress would count for ever
                        multiprocess.mark_process_dead(dead.pid)  # type: ignore[no-untyped-call]
            except OSError:  # a full or vanished disk must not end the watch
                _log.exception("cannot look at the champion")

    def _look(self) -> None:
        tag = model_store.champion()
        if tag is None or (tag == self._tried and self._error is None):
            return
        if tag == self._tried and time.monotonic() - self._tried_at < _RETRY_SECONDS:
            return
        self._tried, self._tried_at = tag, time.monotonic()
        try:
            model = model_store.load(tag)
            for size in _WARM_UP_BATCHES:
                _probabilities(model, np.zeros((size, SIDE, SIDE), dtype=np.uint8))
        except (model_store.ModelError, RuntimeError) as error:
            metrics.LOAD_FAILURES.inc()
            self._error = str(error)
            _log.error("the champion stays %s: %s", self._model and self._model.tag, error)
        else:
            self._model, self._error = model, None
            _log.info("serving %s", tag)
        self._registration.tell(self._model.tag if self._model else None, self._error, tag)


def _probabilities(
    model: model_store.Model, images: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    import torch

    with torch.inference_mode():
        scores: npt.NDArray[np.float32] = model.network(to_input(images)).softmax(dim=1).numpy()
    return scores
