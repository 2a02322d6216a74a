"""Drawings to try: silhouettes in the way the pad draws them, so that one can go on from them."""

from typing import Any


def _shape(shade: int, *points: int) -> dict[str, Any]:
    """A filled polygon. `points` are x and y in turn, 0..448."""
    return {"points": [*points, *points[:2]], "size": 6, "shade": shade, "fill": True}


def _line(shade: int, size: int, *points: int) -> dict[str, Any]:
    return {"points": list(points), "size": size, "shade": shade, "fill": False}


# fmt: off
SAMPLES: list[dict[str, Any]] = [
    {"name": "Jumper", "strokes": [
        _shape(190, 168, 40, 280, 40, 330, 62, 392, 250, 402, 392, 352, 398, 322, 230, 322, 408,
               126, 408, 126, 230, 96, 398, 46, 392, 56, 250, 118, 62),
        _line(90, 8, 168, 42, 196, 64, 252, 64, 280, 42),
    ]},
    {"name": "Trousers", "strokes": [
        _shape(190, 150, 24, 298, 24, 306, 130, 322, 424, 252, 424, 226, 150, 220, 150, 196, 424,
               126, 424, 142, 130),
    ]},
    {"name": "Dress", "strokes": [
        _shape(190, 176, 22, 196, 22, 206, 74, 242, 74, 252, 22, 272, 22, 284, 110, 270, 190, 318,
               426, 130, 426, 178, 190, 164, 110),
    ]},
    {"name": "Sneaker", "strokes": [
        _shape(190, 30, 210, 66, 186, 108, 214, 158, 212, 228, 172, 262, 196, 330, 240, 396, 258,
               420, 282, 418, 306, 30, 306, 22, 270),
        _line(255, 16, 30, 300, 416, 300),
    ]},
    {"name": "Boot", "strokes": [
        _shape(190, 60, 40, 210, 40, 218, 180, 262, 236, 350, 268, 408, 296, 422, 340, 418, 388,
               232, 388, 196, 362, 136, 362, 130, 400, 66, 400, 54, 330, 70, 220),
    ]},
    {"name": "Bag", "strokes": [
        _shape(190, 48, 168, 400, 168, 420, 396, 28, 396),
        _line(190, 18, 128, 168, 140, 104, 176, 62, 224, 52, 272, 62, 308, 104, 320, 168),
    ]},
]
# fmt: on
