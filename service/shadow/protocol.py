"""What a worker of the classifier tells a version in the champion's shadow, as bytes."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.model.preprocess import SIDE, Grey

_HEAD = struct.Struct("<HB")
_PICTURE = SIDE * SIDE


@dataclass(frozen=True)
class Packet:
    """Pictures, uint8 (N, 28, 28), the version that answered, and its classes' numbers, (N,)."""

    images: Grey
    tag: str
    answers: npt.NDArray[np.uint8]


def pack(images: Grey, tag: str, answers: npt.NDArray[np.integer[Any]]) -> bytes:
    """A packet as bytes. The version has at most 255 letters, and 256 classes."""
    name = tag.encode("ascii")
    return b"".join(
        (
            _HEAD.pack(len(images), len(name)),
            name,
            answers.astype(np.uint8).tobytes(),
            images.tobytes(),
        )
    )


def unpack(content: bytes) -> Packet:
    """What `pack` packed."""
    count, length = _HEAD.unpack_from(content)
    start = _HEAD.size + length
    answers = np.frombuffer(content, np.uint8, count, start)
    pixels = np.frombuffer(content, np.uint8, count * _PICTURE, start + count)
    tag = content[_HEAD.size : start].decode("ascii")
    return Packet(pixels.reshape(count, SIDE, SIDE), tag, answers)
