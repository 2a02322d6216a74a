"""A version in the champion's shadow: it sees the same pictures, and nobody waits for its answers.

    python -m service.shadow TAG DESCRIPTOR

is started by a worker of the classifier (service/shadow_feed.py), at the other end of a socket. It
reads pictures with what the champion answered, and reports on how many both agree. Some of the
others become questions on the Corrections page. It ends with the worker, or by itself when its
version does not load.
"""

import json
import logging
import socket
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from service.shadow_packet import Packet, unpack
from training import corrections, model_store
from training.preprocess import SIDE, Grey

_log = logging.getLogger(__name__)

_LARGEST_PACKET = 1 << 18

_GATHER_SECONDS = 0.02
"""From the first picture of a batch to its forward pass: the more at once, the less it disturbs."""

_BATCH = 128
"""Pictures of a batch, about: a packet is not divided."""

_ASK_SECONDS = 10
_ASKED_AT_A_TIME = 5
"""At most so many questions in so many seconds. A bad version would fill the store at once."""


class Shadow:
    """Compares a version's answers with the champion's."""

    def __init__(self, model: model_store.Model) -> None:
        self._model = model
        self._asked_at = -float(_ASK_SECONDS)

    def compare(self, packets: list[Packet]) -> dict[str, int]:
        """How many pictures of the packets both name the same, and how many not."""
        images = np.concatenate([packet.images for packet in packets])
        places = self._model.probabilities(images).argmax(axis=1)
        mine = [self._model.class_names[place] for place in places]
        others = [(packet.tag, name) for packet in packets for name in _named(packet)]
        apart = [at for at, (_, name) in enumerate(others) if name != mine[at]]
        if apart and time.monotonic() - self._asked_at > _ASK_SECONDS:
            self._asked_at = time.monotonic()
            self._ask([(images[at], *others[at], mine[at]) for at in apart[:_ASKED_AT_A_TIME]])
        return {"agreed": len(others) - len(apart), "disagreed": len(apart)}

    def _ask(self, pictures: list[tuple[Grey, str, str, str]]) -> None:
        """File pictures, each with a version, its answer and ours, as questions."""
        try:
            corrections.ask(
                (
                    picture,
                    corrections.Claim(answer, predicted=answer, model=tag, source="shadow"),
                    f"Version {_short(tag)} says {answer}, version {_short(self._model.tag)} says "
                    f"{mine}.",
                )
                for picture, tag, answer, mine in pictures
            )
        except corrections.StoreUnavailable as error:
            _log.warning("no questions: %s", error)


def _named(packet: Packet) -> list[str]:
    names = _class_names(packet.tag)
    return [names[place] for place in packet.answers]


@lru_cache(maxsize=4)
def _class_names(tag: str) -> tuple[str, ...]:
    return tuple(model_store.describe(tag).metadata["class_names"])


def _short(tag: str) -> str:
    return tag.partition(":")[2]


def _batches(connection: socket.socket) -> Iterator[list[Packet]]:
    """What arrives, some packets at a time, until the other end is closed."""
    while content := connection.recv(_LARGEST_PACKET):
        packets = [unpack(content)]
        time.sleep(_GATHER_SECONDS)
        while sum(len(packet.images) for packet in packets) < _BATCH:
            try:
                content = connection.recv(_LARGEST_PACKET, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            if not content:
                break
            packets.append(unpack(content))
        yield packets


def main(arguments: list[str]) -> int:
    """Load the version, and compare until the worker closes its end."""
    import torch

    torch.set_num_threads(1)
    connection = socket.socket(fileno=int(arguments[1]))

    def tell(**what: Any) -> None:
        connection.send(json.dumps(what).encode())

    try:
        model = model_store.load(arguments[0])
        model.probabilities(np.zeros((_BATCH, SIDE, SIDE), np.uint8))
    except (model_store.ModelError, RuntimeError) as error:
        tell(broken=str(error))
        return 0
    tell(ready=True)
    shadow = Shadow(model)
    for packets in _batches(connection):
        tell(**shadow.compare(packets))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
