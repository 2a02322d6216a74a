"""Sample drawings: silhouettes as strokes of the pad, so that a visitor can continue them.

Shoes point to the left, as they do in Fashion-MNIST.
"""

from typing import Any


def _shape(shade: int, *points: int) -> dict[str, Any]:
    """Return a filled polygon. `points` are x and y in turn, 0..448."""
    return {"points": [*points, *points[:2]], "size": 6, "shade": shade, "fill": True}


def _line(shade: int, size: int, *points: int) -> dict[str, Any]:
    """Return a line of the pad."""
    return {"points": list(points), "size": size, "shade": shade, "fill": False}


# fmt: off
SAMPLES: list[dict[str, Any]] = [
    {"name": "Pullover", "strokes": [
        _shape(190, 168, 40, 280, 40, 330, 62, 392, 250, 402, 392, 352, 398, 322, 230, 322, 408,
               126, 408, 126, 230, 96, 398, 46, 392, 56, 250, 118, 62),
        _line(90, 8, 168, 42, 196, 64, 252, 64, 280, 42),
    ]},
    {"name": "Trouser", "strokes": [
        _shape(190, 150, 24, 298, 24, 306, 130, 322, 424, 252, 424, 226, 150, 220, 150, 196, 424,
               126, 424, 142, 130),
    ]},
    {"name": "Dress", "strokes": [
        _shape(190, 176, 22, 196, 22, 206, 74, 242, 74, 252, 22, 272, 22, 284, 110, 270, 190, 318,
               426, 130, 426, 178, 190, 164, 110),
    ]},
    {"name": "Sneaker", "strokes": [
        _shape(190, 24, 296, 34, 268, 96, 246, 176, 212, 236, 182, 292, 200, 350, 208, 408, 182,
               424, 232, 424, 304, 24, 304),
        _line(255, 14, 28, 302, 420, 302),
    ]},
    {"name": "Ankle boot", "strokes": [
        _shape(190, 246, 80, 398, 80, 404, 200, 420, 300, 418, 372, 340, 372, 336, 352, 270, 352,
               250, 366, 34, 366, 28, 316, 60, 280, 150, 246, 226, 200),
    ]},
    {"name": "Bag", "strokes": [
        _shape(190, 48, 168, 400, 168, 420, 396, 28, 396),
        _line(190, 18, 128, 168, 140, 104, 176, 62, 224, 52, 272, 62, 308, 104, 320, 168),
    ]},
]
# fmt: on
