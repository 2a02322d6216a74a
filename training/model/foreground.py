"""The foreground of a photo: which pixels are the article and which its background.

The network is u2netp, in onnxruntime, on one thread. Both are loaded at the first photo: most
processes never see one.
"""

import logging
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

import settings
from training.model import u2netp

if TYPE_CHECKING:
    import onnxruntime

SIDE = 192
"""Edge of the network's square input. It was trained with 320, which takes three times as long."""

_TRAINED_SIDE = 320
_INPUT, _OUTPUT = "input.1", "1959"

# Of ImageNet's pictures, 0..1, by color: what the network expects.
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)

Photo = npt.NDArray[np.uint8]
"""A picture in color, upright: (H, W, 3)."""

Mask = npt.NDArray[np.float32]
"""How much each pixel belongs to the article, 0..1, (H, W)."""


@cache
def is_on() -> bool:
    """Tell whether photos lose their background here: FOREGROUND is on and the network is there."""
    if not settings.get_int("FOREGROUND"):
        return False
    is_there = u2netp.is_whole()
    if not is_there:
        logging.getLogger(__name__).warning(
            "%s is missing or damaged, so photos keep their background: "
            "python -m training.model.u2netp fetches it.",
            u2netp.FILE,
        )
    return is_there


def find(photo: Photo) -> Mask:
    """Find the foreground of a photo, uint8 (H, W, 3). Returns float32 (H, W), 0..1.

    Takes about a quarter of a second of one core, and none for one of the last photos: the page
    asks several times.
    """
    return _find(photo.tobytes(), photo.shape)


@lru_cache(maxsize=4)
def _find(pixels: bytes, shape: tuple[int, int, int]) -> Mask:
    image = Image.fromarray(np.frombuffer(pixels, dtype=np.uint8).reshape(shape))
    small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
    scaled = (small / max(1, small.max()) - _MEAN) / _STD
    batch = np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])
    found = _session().run([_OUTPUT], {_INPUT: batch})[0][0, 0]
    mask = Image.fromarray(np.asarray(found, dtype=np.float32))
    return np.asarray(mask.resize(image.size, Image.Resampling.BILINEAR)).clip(0, 1)


@cache
def _session() -> "onnxruntime.InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # an arena keeps what it once took
    return onnxruntime.InferenceSession(
        _resized(u2netp.FILE.read_bytes()), options, providers=["CPUExecutionProvider"]
    )


def _resized(network: bytes) -> bytes:
    """The network for inputs of SIDE.

    It is convolutional. Only the descriptions of its input and of its outputs name a size: as a
    dimension's value, in ONNX's encoding.
    """
    return network.replace(_dimension(_TRAINED_SIDE), _dimension(SIDE))


def _dimension(value: int) -> bytes:
    """A dimension of 128..16383 as protobuf encodes it, in the field `dim` of a shape."""
    return bytes((0x0A, 0x03, 0x08, value & 0x7F | 0x80, value >> 7))
