"""The packets that a worker of the classifier sends to its shadow process."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.model.preprocess import SIDE, Grey

_HEADER = struct.Struct("<HB")
_PICTURE = SIDE * SIDE


@dataclass(frozen=True)
class Packet:
    """Pictures, uint8 (N, 28, 28), the champion's tag, and its answers, class indices (N,)."""

    images: Grey
    tag: str
    answers: npt.NDArray[np.uint8]


def pack(images: Grey, tag: str, answers: npt.NDArray[np.integer[Any]]) -> bytes:
    """Encode a packet. The tag has at most 255 characters, the version at most 256 classes."""
    encoded_tag = tag.encode("ascii")
    return b"".join(
        (
            _HEADER.pack(len(images), len(encoded_tag)),
            encoded_tag,
            answers.astype(np.uint8).tobytes(),
            images.tobytes(),
        )
    )


def unpack(content: bytes) -> Packet:
    """Decode what `pack` encoded."""
    count, tag_length = _HEADER.unpack_from(content)
    start = _HEADER.size + tag_length
    answers = np.frombuffer(content, np.uint8, count, start)
    pixels = np.frombuffer(content, np.uint8, count * _PICTURE, start + count)
    tag = content[_HEADER.size : start].decode("ascii")
    return Packet(pixels.reshape(count, SIDE, SIDE), tag, answers)
