"""Pictures of what is no clothing, drawn on the spot: families that no model was trained on.

Each family takes a random generator and returns a picture; glyphs come from the DejaVu fonts
(Debian: fonts-dejavu).
"""

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.model.preprocess import SIDE, Grey, NothingToSee, preprocess

FONTS = Path("/usr/share/fonts/truetype/dejavu")
_FACES = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "DejaVuSerif-Bold")

_SURFACE = 224
"""Edge of a drawing, in pixels: what the pad sends."""

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_SCRIPTS = (
    "".join(map(chr, range(0x3B1, 0x3CA)))  # Greek
    + "".join(map(chr, range(0x430, 0x450)))  # Cyrillic
    + "".join(map(chr, range(0x5D0, 0x5EB)))  # Hebrew
    + "".join(map(chr, range(0x561, 0x587)))  # Armenian
)
_SYMBOLS = "".join(
    map(chr, [*range(0x2600, 0x2670), *range(0x2701, 0x2767), *range(0x2190, 0x21D5)])
)

Family = Callable[[random.Random], Image.Image]

# Things that are no clothes, as closed outlines on a square of 100x100.
_THINGS: dict[str, list[list[tuple[int, int]]]] = {
    "house": [[(10, 50), (50, 10), (90, 50), (80, 50), (80, 92), (20, 92), (20, 50)]],
    "fish": [[(4, 50), (30, 26), (62, 36), (94, 16), (84, 50), (94, 84), (62, 64), (30, 74)]],
    "tree": [[(44, 96), (44, 70), (12, 70), (34, 46), (20, 46), (38, 24), (28, 24), (50, 2),
              (72, 24), (62, 24), (80, 46), (66, 46), (88, 70), (56, 70), (56, 96)]],
    "cup": [[(14, 24), (68, 24), (64, 88), (20, 88)], [(68, 34), (90, 34), (90, 66), (66, 66),
             (66, 58), (80, 58), (80, 42), (68, 42)]],
    "car": [[(4, 66), (8, 48), (26, 46), (38, 28), (68, 28), (80, 46), (96, 50), (96, 66)],
            [(18, 66), (22, 78), (32, 78), (36, 66)], [(66, 66), (70, 78), (80, 78), (84, 66)]],
    "key": [[(6, 40), (14, 30), (28, 30), (36, 44), (94, 44), (94, 68), (86, 68), (86, 54),
             (78, 54), (78, 64), (70, 64), (70, 54), (36, 54), (28, 68), (14, 68), (6, 58)]],
    "boat": [[(6, 66), (94, 66), (78, 90), (22, 90)], [(48, 6), (48, 60), (14, 60)],
             [(54, 16), (84, 60), (54, 60)]],
    "hammer": [[(16, 14), (76, 14), (86, 24), (86, 34), (54, 34), (54, 96), (42, 96), (42, 34),
                (16, 34)]],
    "bottle": [[(42, 4), (58, 4), (58, 30), (68, 44), (68, 96), (32, 96), (32, 44), (42, 30)]],
    "cat": [[(20, 10), (38, 26), (62, 26), (80, 10), (84, 56), (68, 84), (32, 84), (16, 56)]],
    "mushroom": [[(6, 50), (20, 20), (50, 8), (80, 20), (94, 50), (60, 54), (64, 92), (36, 92),
                  (40, 54)]],
    "plane": [[(50, 2), (58, 18), (58, 40), (96, 62), (96, 70), (58, 58), (56, 80), (70, 92),
               (30, 92), (44, 80), (42, 58), (4, 70), (4, 62), (42, 40), (42, 18)]],
}  # fmt: skip


def noise(chance: random.Random) -> Image.Image:
    """Each pixel by itself, dark or light on the whole."""
    levels = _numpy(chance).normal(chance.uniform(20, 200), chance.uniform(20, 90), (SIDE, SIDE))
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def stripes(chance: random.Random) -> Image.Image:
    """Waves in one or two directions."""
    down, across = np.mgrid[:SIDE, :SIDE]
    levels = np.zeros((SIDE, SIDE))
    for _ in range(chance.randint(1, 2)):
        angle, period = chance.uniform(0, math.pi), chance.uniform(3, 16)
        phase = 2 * math.pi * chance.random()
        places = (across * math.cos(angle) + down * math.sin(angle)) * 2 * math.pi / period
        levels += np.sin(places + phase)
    return _stretched(levels)


def shapes(chance: random.Random) -> Image.Image:
    """Circles, stars and polygons, filled or not."""
    image, pencil, width = _paper(chance)
    corners, turn = chance.randint(3, 12), chance.uniform(0, math.pi)
    inner = chance.choice((1, 1, 0.45))
    points = []
    for number in range(corners * 2):
        radius = 95 * (inner if number % 2 else 1)
        angle = turn + math.pi * number / corners
        points.append((112 + radius * math.cos(angle), 112 + radius * math.sin(angle)))
    _outline(pencil, points, chance, width)
    return image


def letters(chance: random.Random) -> Image.Image:
    """Latin letters."""
    return _glyph(chance, _LETTERS)


def digits(chance: random.Random) -> Image.Image:
    """0 to 9."""
    return _glyph(chance, _DIGITS)


def scripts(chance: random.Random) -> Image.Image:
    """Letters of other scripts."""
    return _glyph(chance, _SCRIPTS)


def symbols(chance: random.Random) -> Image.Image:
    """Weather, chess, stars, hands, arrows and so on."""
    return _glyph(chance, _SYMBOLS, _FACES[:1])


def words(chance: random.Random) -> Image.Image:
    """A few lines of text."""
    image, pencil, _ = _paper(chance)
    font = ImageFont.truetype(FONTS / f"{chance.choice(_FACES)}.ttf", chance.randint(30, 60))
    lines = ["".join(chance.choices(_LETTERS, k=chance.randint(3, 8))) for _ in range(3)]
    pencil.multiline_text((112, 112), "\n".join(lines), fill=255, font=font, anchor="mm")
    return image


def scribbles(chance: random.Random) -> Image.Image:
    """One to four strokes without an aim."""
    image, pencil, width = _paper(chance)
    for _ in range(chance.randint(1, 4)):
        x, y, angle = chance.uniform(40, 184), chance.uniform(40, 184), chance.uniform(0, 6.3)
        points = [(x, y)]
        for _ in range(chance.randint(8, 40)):
            angle += chance.gauss(0, 0.7)
            x = min(max(x + 14 * math.cos(angle), 8), 216)
            y = min(max(y + 14 * math.sin(angle), 8), 216)
            points.append((x, y))
        pencil.line(points, fill=chance.choice((255, 190, 130)), width=width, joint="curve")
    return image


def things(chance: random.Random) -> Image.Image:
    """Silhouettes and outlines of a house, a fish, a key and others, turned and stretched."""
    image, pencil, width = _paper(chance)
    parts = chance.choice(list(_THINGS.values()))
    turn, wide, high = chance.gauss(0, 0.15), chance.uniform(1.4, 2), chance.uniform(1.4, 2)
    flip, is_filled = chance.choice((-1, 1)), chance.random() < 0.7
    for part in parts:
        points = []
        for x, y in part:
            across, down = flip * (x - 50 + chance.gauss(0, 1.5)), y - 50 + chance.gauss(0, 1.5)
            points.append(
                (
                    112 + wide * across * math.cos(turn) - high * down * math.sin(turn),
                    112 + wide * across * math.sin(turn) + high * down * math.cos(turn),
                )
            )
        _outline(pencil, points, chance, width, is_filled=is_filled)
    return image


def clouds(chance: random.Random) -> Image.Image:
    """Smooth noise all over the picture, as a blurred crop of something is."""
    side = chance.randint(3, 9)
    small = Image.fromarray(_numpy(chance).integers(0, 256, (side, side), dtype=np.uint8))
    return small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def blobs(chance: random.Random) -> Image.Image:
    """Smooth noise above a level, on black."""
    side = chance.randint(4, 8)
    small = Image.fromarray(_numpy(chance).integers(0, 256, (side, side), dtype=np.uint8))
    levels = np.asarray(small.resize((_SURFACE, _SURFACE), Image.Resampling.BICUBIC))
    limit = chance.randint(130, 190)
    return Image.fromarray(np.where(levels > limit, levels, 0).astype(np.uint8))


def screens(chance: random.Random) -> Image.Image:
    """Crops of a drawn page: rectangles, bars and lines in grey."""
    image = Image.new("L", (_SURFACE, _SURFACE), chance.randint(0, 255))
    pencil = ImageDraw.Draw(image)
    for _ in range(chance.randint(4, 14)):
        left, top = chance.randint(-60, 200), chance.randint(-60, 200)
        box = (left, top, left + chance.randint(10, 160), top + chance.randint(4, 120))
        pencil.rectangle(box, fill=chance.randint(0, 255))
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


FOR_CHOICE: dict[str, Family] = {it.__name__: it for it in (noise, stripes, shapes)}
"""What a score may be chosen on. They are not in REPORTED."""

REPORTED: dict[str, Family] = {
    it.__name__: it
    for it in (
        letters, digits, scripts, symbols, words, scribbles, things, clouds, blobs, screens
    )
}  # fmt: skip


def pictures(family: Family, count: int, seed: int = 0) -> Grey:
    """Pictures of a family as the model sees them, uint8 (count, 28, 28)."""
    chance = random.Random(f"{family.__name__} {seed}")
    found: list[Grey] = []
    while len(found) < count:
        try:
            found.append(preprocess(family(chance)))
        except NothingToSee:
            continue
    return np.stack(found)


def _glyph(chance: random.Random, of: str, faces: Sequence[str] = _FACES) -> Image.Image:
    image, pencil, _ = _paper(chance)
    font = ImageFont.truetype(FONTS / f"{chance.choice(faces)}.ttf", 170)
    shade = chance.choice((255, 190, 130))
    pencil.text((112, 112), chance.choice(of), fill=shade, font=font, anchor="mm")
    return image.rotate(chance.gauss(0, 8))


def _paper(chance: random.Random) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """A black sheet, a pencil for it, and the width of a stroke."""
    image = Image.new("L", (_SURFACE, _SURFACE))
    return image, ImageDraw.Draw(image), chance.randint(6, 20)


def _outline(
    pencil: ImageDraw.ImageDraw,
    points: list[tuple[float, float]],
    chance: random.Random,
    width: int,
    *,
    is_filled: bool | None = None,
) -> None:
    shade = chance.choice((255, 190, 130))
    if is_filled or (is_filled is None and chance.random() < 0.5):
        pencil.polygon(points, fill=shade)
    else:
        pencil.line([*points, points[0], points[1]], fill=shade, width=width, joint="curve")


def _stretched(levels: np.ndarray) -> Image.Image:
    span = float(np.ptp(levels)) or 1.0
    return Image.fromarray(((levels - levels.min()) / span * 255).astype(np.uint8))


def _numpy(chance: random.Random) -> np.random.Generator:
    return np.random.default_rng(chance.getrandbits(64))
