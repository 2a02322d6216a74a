"""Pictures spoiled the way live ones may be: what a version is judged on before it meets them.

Each way takes pictures, uint8 (N, 28, 28), a strength of 0 (nearly nothing) to 1, and a generator.
"""

from collections.abc import Callable

import torch
from torch.nn.functional import affine_grid, conv2d, grid_sample, interpolate, pad

from training.model.preprocess import SIDE

Way = Callable[[torch.Tensor, float, torch.Generator], torch.Tensor]

_TOGETHER = 50
"""Pictures that are spoiled one way by one strength: a loop over single ones takes too long."""

_CLEAN_SHARE = 0.15
"""Of the pictures, which stay as they are: most live ones are no worse than those."""


def corrupt(images: torch.Tensor, order: torch.Generator) -> torch.Tensor:
    """Pictures, uint8 (N, 28, 28), some at a time spoiled by a way and a strength drawn by lot."""
    ways = list(WAYS.values())
    spoiled = []
    for some in images.split(_TOGETHER):
        if torch.rand((), generator=order) < _CLEAN_SHARE:
            spoiled.append(some)
            continue
        way = ways[int(torch.randint(len(ways), (), generator=order))]
        spoiled.append(way(some, float(torch.rand((), generator=order)), order))
    return torch.cat(spoiled)


def noise(images: torch.Tensor, strength: float, order: torch.Generator) -> torch.Tensor:
    """A sensor in the dark: a standard deviation of up to 90 grey levels."""
    grain = torch.randn(images.shape, generator=order)
    return _grey(images.float() + (5 + 85 * strength) * grain)


def speckle(images: torch.Tensor, strength: float, order: torch.Generator) -> torch.Tensor:
    """Up to four pixels in ten are black or white."""
    chance = 0.4 * strength
    drawn = torch.rand(images.shape, generator=order)
    return images.masked_fill(drawn < chance / 2, 0).masked_fill(drawn > 1 - chance / 2, 255)


def blur(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """Out of focus: a Gaussian of up to 2.2 pixels."""
    deviation = 0.3 + 1.9 * strength
    reach = int(3 * deviation) + 1
    weights = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * deviation**2))
    weights /= weights.sum()
    pixels = pad(images[:, None].float(), (reach,) * 4)
    rows = conv2d(pixels, weights[None, None, None, :])
    return _grey(conv2d(rows, weights[None, None, :, None])[:, 0])


def coarse(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """Taken from afar: down to 6x6 pixels."""
    side = round(24 - 18 * strength)
    small = interpolate(images[:, None].float(), size=(side, side), mode="area")
    return _grey(interpolate(small, size=(SIDE, SIDE))[:, 0])


def shift(images: torch.Tensor, strength: float, order: torch.Generator) -> torch.Tensor:
    """Out of the middle, by up to six whole pixels (parts of one would blur), each its own way."""
    reach = 2 * round(1 + 5 * strength) / SIDE
    return _moved(images, _directions(len(images), order) * reach)


def turn(images: torch.Tensor, strength: float, order: torch.Generator) -> torch.Tensor:
    """By up to 50 degrees, to either side."""
    angles = _sides(len(images), order) * (50 * strength) * torch.pi / 180
    turned = torch.stack((angles.cos(), -angles.sin(), angles.sin(), angles.cos()), 1)
    return _mapped(images, turned.reshape(-1, 2, 2))


def lean(images: torch.Tensor, strength: float, order: torch.Generator) -> torch.Tensor:
    """Sheared, by up to 0.7 pixels a row."""
    leaning = torch.eye(2).repeat(len(images), 1, 1)
    leaning[:, 0, 1] = _sides(len(images), order) * 0.7 * strength
    return _mapped(images, leaning)


def resize(images: torch.Tensor, strength: float, order: torch.Generator) -> torch.Tensor:
    """Too near or too far: up to 1.6 times as large, or down to as much smaller."""
    factors = (1 + 0.6 * strength) ** _sides(len(images), order)
    return _mapped(images, torch.eye(2) / factors[:, None, None])


def dim(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """Underexposed: down to an eighth."""
    return _grey(images.float() * (1 - 0.87 * strength))


def bend(images: torch.Tensor, strength: float, order: torch.Generator) -> torch.Tensor:
    """Brighter or darker in the middle tones: a gamma of up to 4, or down to 1/4."""
    gamma = (1 + 3 * strength) ** _sides(1, order).item()
    return _grey(255 * (images.float() / 255) ** gamma)


def fog(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """A background that is not black: up to half as bright as the brightest."""
    level = 128 * strength
    return _grey(images.float() * (1 - level / 255) + level)


def cover(images: torch.Tensor, strength: float, order: torch.Generator) -> torch.Tensor:
    """Something in front: a black square of up to 18 pixels, anywhere."""
    side = round(3 + 15 * strength)
    corner = torch.randint(SIDE - side + 1, (len(images), 2), generator=order)
    places = torch.arange(SIDE)
    behind = (places >= corner[:, :, None]) & (places < corner[:, :, None] + side)
    return images.masked_fill(behind[:, 0, :, None] & behind[:, 1, None, :], 0)


def invert(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """A dark article on white, for a network that has only seen the contrary."""
    return _grey(255 - images.float() * (0.6 + 0.4 * strength))


WAYS: dict[str, Way] = {
    way.__name__: way
    for way in (
        noise, speckle, blur, coarse, shift, turn, lean, resize, dim, bend, fog, cover, invert
    )
}  # fmt: skip


def _grey(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.round().clamp(0, 255).to(torch.uint8)


def _sides(count: int, order: torch.Generator) -> torch.Tensor:
    return torch.randint(2, (count,), generator=order) * 2.0 - 1


def _directions(count: int, order: torch.Generator) -> torch.Tensor:
    """Float (N, 2): to a side, up or down, or both at once; never nowhere."""
    way = torch.randint(8, (count,), generator=order)
    way += way >= 4  # the fifth of nine would be nowhere
    return torch.stack((way % 3 - 1.0, way // 3 - 1.0), 1)


def _moved(images: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """By float (N, 2): right and down, as shares of half the picture."""
    return _mapped(images, torch.eye(2).repeat(len(images), 1, 1), by)


def _mapped(
    images: torch.Tensor, towards: torch.Tensor, by: torch.Tensor | None = None
) -> torch.Tensor:
    """Each pixel from where `towards`, float (N, 2, 2), and `by`, float (N, 2), put it."""
    origin = torch.zeros(len(images), 2) if by is None else by
    theta = torch.cat((towards, origin[:, :, None]), 2)
    grid = affine_grid(theta, [len(images), 1, SIDE, SIDE], align_corners=False)
    return _grey(grid_sample(images[:, None].float(), grid, align_corners=False)[:, 0])
