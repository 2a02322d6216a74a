"""Pieces of clothing as people draw them on the pad: ten kinds, and each drawing another one.

OWN_KINDS are things that Fashion-MNIST has no class for.

A drawing is made of strokes in the pad's coordinates and has the size in which the pad sends it.
Some are filled and some are outlines only; shoes point either way.
"""

import io
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

SURFACE = 448
"""Of the pad's coordinates, as in strokes.js."""

SENT = 224
"""Edge of the picture that the pad sends, in pixels."""

_JITTER = 12
"""How far a corner of a shape may lie from its place, each way, in the pad's coordinates."""

_OUTLINES = {
    "T-shirt/top": [(150, 60), (298, 60), (410, 130), (370, 200), (320, 170), (320, 400),
                    (128, 400), (128, 170), (78, 200), (38, 130)],
    "Trouser": [(150, 24), (298, 24), (322, 424), (252, 424), (224, 150), (196, 424), (126, 424)],
    "Pullover": [(160, 50), (288, 50), (350, 80), (410, 380), (350, 395), (325, 190), (325, 400),
                 (123, 400), (123, 190), (98, 395), (38, 380), (98, 80)],
    "Dress": [(176, 22), (272, 22), (284, 110), (270, 190), (330, 426), (118, 426), (178, 190),
              (164, 110)],
    "Coat": [(150, 30), (298, 30), (360, 60), (400, 400), (350, 410), (330, 180), (335, 430),
             (113, 430), (118, 180), (98, 410), (48, 400), (88, 60)],
    "Sandal": [(24, 330), (110, 300), (180, 190), (230, 190), (200, 300), (300, 290), (350, 180),
               (410, 180), (424, 330), (424, 350), (24, 350)],
    "Shirt": [(170, 40), (224, 80), (278, 40), (400, 110), (380, 280), (330, 270), (325, 160),
              (325, 410), (123, 410), (123, 160), (118, 270), (68, 280), (48, 110)],
    "Sneaker": [(24, 296), (34, 268), (96, 246), (176, 212), (236, 182), (292, 200), (350, 208),
                (408, 182), (424, 232), (424, 304), (24, 304)],
    "Bag": [(48, 168), (400, 168), (420, 396), (28, 396)],
    "Ankle boot": [(246, 80), (398, 80), (404, 200), (420, 300), (418, 372), (34, 366), (28, 316),
                   (60, 280), (150, 246), (226, 200)],
}  # fmt: skip
_OWN_OUTLINES = {
    "Hat": [(30, 330), (120, 316), (134, 180), (160, 128), (224, 140), (288, 128), (314, 180),
            (328, 316), (418, 330), (380, 362), (224, 376), (68, 362)],
    "Sock": [(150, 40), (276, 40), (282, 240), (330, 290), (410, 330), (414, 384), (370, 408),
             (270, 396), (180, 344), (146, 280)],
    "Umbrella": [(24, 220), (70, 120), (150, 62), (224, 40), (298, 62), (378, 120), (424, 220),
                 (370, 196), (324, 220), (274, 196), (224, 220), (174, 196), (124, 220),
                 (78, 196)],
}  # fmt: skip
_DETAILS = {
    "Coat": [[(224, 40), (224, 420)]],
    "Shirt": [[(224, 80), (224, 400)], [(150, 180), (190, 180)]],
    "Bag": [[(128, 168), (140, 104), (224, 52), (308, 104), (320, 168)]],
    "Sandal": [[(110, 300), (200, 300)]],
    "Hat": [[(124, 280), (224, 294), (324, 280)]],
    "Sock": [[(150, 90), (278, 90)]],
    "Umbrella": [[(224, 40), (224, 400), (206, 424), (180, 420), (172, 396)]],
}

KINDS = tuple(_OUTLINES)
OWN_KINDS = tuple(_OWN_OUTLINES)

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Hand:
    """How one drawing is drawn: which way round, how large, how straight."""

    chance: random.Random
    is_mirrored: bool
    width: float
    height: float
    lean: float

    @staticmethod
    def of(chance: random.Random) -> "Hand":
        """Another one each time."""
        return Hand(
            chance,
            chance.random() < 0.5,
            chance.uniform(0.6, 1),
            chance.uniform(0.6, 1),
            chance.uniform(-0.12, 0.12),
        )

    def through(self, points: list[tuple[int, int]]) -> Points:
        """A stroke through these points, nearly."""
        return [self._beside(*point) for point in points]

    def _beside(self, x: float, y: float) -> tuple[float, float]:
        middle = SURFACE / 2
        across, down = x - middle, y - middle
        across = -across if self.is_mirrored else across
        return (
            middle + self.width * across + self.lean * down + self._slip(),
            middle + self.height * down - self.lean * across + self._slip(),
        )

    def _slip(self) -> float:
        return self.chance.uniform(-_JITTER, _JITTER)


def outline(kind: str, chance: random.Random) -> list[tuple[int, int]]:
    """The outline of one of KINDS or OWN_KINDS as a stroke on the pad, which has to be closed."""
    corners = (_OUTLINES | _OWN_OUTLINES)[kind]
    return [(round(x), round(y)) for x, y in Hand.of(chance).through(corners)]


def drawn(kind: str, chance: random.Random) -> bytes:
    """A drawing of one of KINDS or OWN_KINDS, as the PNG that the pad would send."""
    canvas = Image.new("L", (SURFACE, SURFACE))
    pencil = ImageDraw.Draw(canvas)
    hand = Hand.of(chance)
    shade, width = chance.choice((255, 190, 130)), chance.randint(6, 20)
    corners = hand.through((_OUTLINES | _OWN_OUTLINES)[kind])
    if chance.random() < 0.5:
        pencil.polygon(corners, fill=shade)
    _line(pencil, [*corners, corners[0]], shade, width)
    for points in _DETAILS.get(kind, []):
        _line(pencil, hand.through(points), chance.choice((255, 75)), width)
    file = io.BytesIO()
    canvas.resize((SENT, SENT), Image.Resampling.BOX).save(file, "PNG")
    return file.getvalue()


def _line(pencil: ImageDraw.ImageDraw, points: Points, shade: int, width: int) -> None:
    pencil.line(points, fill=shade, width=width, joint="curve")
    for x, y in (points[0], points[-1]):  # round ends, as the pad's brush has
        pencil.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=shade)
