"""The shadow process: classifies the champion's pictures with another version, outside requests.

    python -m service.shadow.worker TAG DESCRIPTOR

A worker of the classifier starts it (service/shadow/feeder.py) and holds the other end of its
socket, the file descriptor DESCRIPTOR. The process reads pictures and the champion's answers, and
reports how many answers agree. Some of the others become review requests on the Corrections page.
The process ends with the worker, or by itself when its version does not load.

It computes only while a processor is idle. The lowest priority is not enough: a processor that
computes for the shadow is not idle, so it takes over no task that waits for another processor.
"""

import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from service.shadow.protocol import Packet, unpack
from training.feedback import run_classes
from training.model.preprocess import SIDE, Grey
from training.store import corrections, versions
from training.store.tags import version_of

_log = logging.getLogger(__name__)

_MAX_PACKET_BYTES = 1 << 18

_BATCH = 16
"""Pictures in a forward pass. The process cannot yield its processor during a pass."""

_MAX_TASKS = max(1, (os.cpu_count() or 1) - 1)
"""Running and waiting tasks, with this one. With more of them, no processor is idle."""

_POLL_SECONDS = 0.01
_MAX_WAIT_SECONDS = 0.5
"""The longest wait for an idle processor, so that a busy machine compares pictures, too."""

_REVIEW_SECONDS = 10
_MAX_REVIEWS = 5
"""Review requests in that time. Without a limit a bad version would fill the corrections."""


class Shadow:
    """Compares a version's answers with the champion's."""

    def __init__(self, model: versions.Model) -> None:
        self._model = model
        self._names = _today(model.class_names)
        self._last_review = -float(_REVIEW_SECONDS)

    def compare(self, packet: Packet) -> dict[str, int]:
        """Count the pictures of a packet on which both versions agree and disagree."""
        images, champion = packet.images, _labels(packet)
        indices = np.concatenate(list(self._classify(images)))
        shadow = [self._names[index] for index in indices]
        differing = [n for n, label in enumerate(champion) if label != shadow[n]]
        if differing and time.monotonic() - self._last_review > _REVIEW_SECONDS:
            self._last_review = time.monotonic()
            self._request_reviews(
                packet.tag,
                [(images[n], champion[n], shadow[n]) for n in differing[:_MAX_REVIEWS]],
            )
        return {"agreed": len(champion) - len(differing), "disagreed": len(differing)}

    def _classify(self, images: Grey) -> Iterator[npt.NDArray[np.int64]]:
        for start in range(0, len(images), _BATCH):
            _wait_for_an_idle_processor()
            yield self._model.probabilities(images[start : start + _BATCH]).argmax(axis=1)

    def _request_reviews(self, champion: str, pictures: list[tuple[Grey, str, str]]) -> None:
        """Store review requests: pictures, each with the champion's label and the shadow's."""
        one, other = version_of(champion), version_of(self._model.tag)
        try:
            corrections.request_review(
                (
                    picture,
                    corrections.LabelSubmission(
                        label, predicted=label, model=champion, source="shadow"
                    ),
                    f"Version {one} says {label}, version {other} says {shadow_label}.",
                )
                for picture, label, shadow_label in pictures
            )
        except corrections.StoreUnavailable as error:
            _log.warning("cannot request reviews: %s", error)


def _wait_for_an_idle_processor() -> None:
    deadline = time.monotonic() + _MAX_WAIT_SECONDS
    while _running_tasks() > _MAX_TASKS and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _running_tasks() -> int:
    """Return how many tasks of the machine run or wait for a processor."""
    _, _, _, tasks, _ = Path("/proc/loadavg").read_text(encoding="ascii").split()
    return int(tasks.partition("/")[0])


def _labels(packet: Packet) -> list[str]:
    names = _class_names(packet.tag)
    return [names[index] for index in packet.answers]


@lru_cache(maxsize=4)
def _class_names(tag: str) -> tuple[str, ...]:
    return _today(versions.describe(tag).metadata["class_names"])


def _today(names: Sequence[str]) -> tuple[str, ...]:
    """Today's names of classes, so that a class that was renamed is the same in both versions."""
    return tuple(run_classes.todays_name(name) or name for name in names)


def main(arguments: list[str]) -> int:
    """Load the version and compare until the worker closes its end of the socket."""
    import torch

    torch.set_num_threads(1)
    connection = socket.socket(fileno=int(arguments[1]))

    def report(**content: Any) -> None:
        connection.send(json.dumps(content).encode())

    try:
        model = versions.load(arguments[0])
        model.probabilities(np.zeros((_BATCH, SIDE, SIDE), np.uint8))
    except (versions.ModelError, RuntimeError) as error:
        report(broken=str(error))
        return 0
    report(ready=True)
    shadow = Shadow(model)
    while content := connection.recv(_MAX_PACKET_BYTES):
        report(**shadow.compare(unpack(content)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
