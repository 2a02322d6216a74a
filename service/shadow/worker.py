"""A version in the champion's shadow: it sees the same pictures, and nobody waits for its answers.

    python -m service.shadow.worker TAG DESCRIPTOR

is started by a worker of the classifier (service/shadow_feed.py), at the other end of a socket. It
reads pictures with what the champion answered, and reports on how many both agree. Some of the
others become questions on the Corrections page. It ends with the worker, or by itself when its
version does not load.

It computes only while a processor has nothing to do. To have the lowest priority is not enough:
a processor that computes for the shadow is not idle, and takes over nothing that waits for
another one.
"""

import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from service.shadow.protocol import Packet, unpack
from training.model.preprocess import SIDE, Grey
from training.store import corrections, versions
from training.store.tags import version_of

_log = logging.getLogger(__name__)

_LARGEST_PACKET = 1 << 18

_AT_A_TIME = 16
"""Pictures of a forward pass: for so long nobody takes the processor into account."""

_BUSY = max(1, (os.cpu_count() or 1) - 1)
"""Tasks that run or wait to, with ours, beyond which no processor is idle."""

_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 0.5
"""On a machine that is never idle, too, something is compared: one pass so often."""

_ASK_SECONDS = 10
_ASKED_AT_A_TIME = 5
"""At most so many questions in so many seconds. A bad version would fill the store at once."""


class Shadow:
    """Compares a version's answers with the champion's."""

    def __init__(self, model: versions.Model) -> None:
        self._model = model
        self._asked_at = -float(_ASK_SECONDS)

    def compare(self, packet: Packet) -> dict[str, int]:
        """How many pictures of the packet both name the same, and how many not."""
        images, others = packet.images, _named(packet)
        places = np.concatenate(list(self._places(images)))
        mine = [self._model.class_names[place] for place in places]
        apart = [at for at, name in enumerate(others) if name != mine[at]]
        if apart and time.monotonic() - self._asked_at > _ASK_SECONDS:
            self._asked_at = time.monotonic()
            asked = apart[:_ASKED_AT_A_TIME]
            self._ask([(images[at], packet.tag, others[at], mine[at]) for at in asked])
        return {"agreed": len(others) - len(apart), "disagreed": len(apart)}

    def _places(self, images: Grey) -> Iterator[npt.NDArray[np.int64]]:
        for start in range(0, len(images), _AT_A_TIME):
            _wait_for_an_idle_processor()
            yield self._model.probabilities(images[start : start + _AT_A_TIME]).argmax(axis=1)

    def _ask(self, pictures: list[tuple[Grey, str, str, str]]) -> None:
        """File pictures, each with a version, its answer and ours, as questions."""
        try:
            corrections.request_review(
                (
                    picture,
                    corrections.LabelSubmission(
                        answer, predicted=answer, model=tag, source="shadow"
                    ),
                    f"Version {version_of(tag)} says {answer}, "
                    f"version {version_of(self._model.tag)} says {mine}.",
                )
                for picture, tag, answer, mine in pictures
            )
        except corrections.StoreUnavailable as error:
            _log.warning("no questions: %s", error)


def _wait_for_an_idle_processor() -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while _running() > _BUSY and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)


def _running() -> int:
    """Tasks of the whole machine that run or wait for a processor."""
    _, _, _, tasks, _ = Path("/proc/loadavg").read_text(encoding="ascii").split()
    return int(tasks.partition("/")[0])


def _named(packet: Packet) -> list[str]:
    names = _class_names(packet.tag)
    return [names[place] for place in packet.answers]


@lru_cache(maxsize=4)
def _class_names(tag: str) -> tuple[str, ...]:
    return tuple(versions.describe(tag).metadata["class_names"])


def main(arguments: list[str]) -> int:
    """Load the version, and compare until the worker closes its end."""
    import torch

    torch.set_num_threads(1)
    connection = socket.socket(fileno=int(arguments[1]))

    def tell(**what: Any) -> None:
        connection.send(json.dumps(what).encode())

    try:
        model = versions.load(arguments[0])
        model.probabilities(np.zeros((_AT_A_TIME, SIDE, SIDE), np.uint8))
    except (versions.ModelError, RuntimeError) as error:
        tell(broken=str(error))
        return 0
    tell(ready=True)
    shadow = Shadow(model)
    while content := connection.recv(_LARGEST_PACKET):
        tell(**shadow.compare(unpack(content)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
