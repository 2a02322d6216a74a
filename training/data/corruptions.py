"""Corruptions that live pictures may have: a version's accuracy is estimated on them.

Each takes pictures, uint8 (N, 28, 28), a strength of 0 (nearly nothing) to 1, and a generator on
the CPU; it returns uint8 (N, 28, 28).
"""

from collections.abc import Callable

import torch
from torch.nn.functional import affine_grid, conv2d, grid_sample, interpolate, pad

from training.model.preprocess import SIDE

Corruption = Callable[[torch.Tensor, float, torch.Generator], torch.Tensor]

_BATCH_SIZE = 50
"""Pictures that get the same corruption and strength: a loop over single ones takes too long."""

_CLEAN_SHARE = 0.15
"""Of the pictures, which stay as they are: most live ones are no worse than those."""


def corrupt(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Corrupt pictures, uint8 (N, 28, 28), a batch at a time, with a random kind and strength."""
    corruptions = list(CORRUPTIONS.values())
    corrupted = []
    for batch in images.split(_BATCH_SIZE):
        if torch.rand((), generator=generator) < _CLEAN_SHARE:
            corrupted.append(batch)
            continue
        corruption = corruptions[int(torch.randint(len(corruptions), (), generator=generator))]
        corrupted.append(corruption(batch, float(torch.rand((), generator=generator)), generator))
    return torch.cat(corrupted)


def noise(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """A sensor in the dark: a standard deviation of up to 90 grey levels."""
    grain = torch.randn(images.shape, generator=generator)
    return _to_uint8(images.float() + (5 + 85 * strength) * grain)


def speckle(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Up to four pixels in ten are black or white."""
    chance = 0.4 * strength
    drawn = torch.rand(images.shape, generator=generator)
    return images.masked_fill(drawn < chance / 2, 0).masked_fill(drawn > 1 - chance / 2, 255)


def blur(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """Out of focus: a Gaussian of up to 2.2 pixels."""
    deviation = 0.3 + 1.9 * strength
    reach = int(3 * deviation) + 1
    weights = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * deviation**2))
    weights /= weights.sum()
    pixels = pad(images[:, None].float(), (reach,) * 4)
    rows = conv2d(pixels, weights[None, None, None, :])
    return _to_uint8(conv2d(rows, weights[None, None, :, None])[:, 0])


def coarse(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """Taken from afar: down to 6x6 pixels."""
    side = round(24 - 18 * strength)
    small = interpolate(images[:, None].float(), size=(side, side), mode="area")
    return _to_uint8(interpolate(small, size=(SIDE, SIDE))[:, 0])


def shift(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Off centre by up to six whole pixels (fractions would blur), each in a random direction."""
    reach = 2 * round(1 + 5 * strength) / SIDE
    return _translate(images, _random_directions(len(images), generator) * reach)


def turn(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """By up to 50 degrees, to either side."""
    angles = _random_signs(len(images), generator) * (50 * strength) * torch.pi / 180
    turned = torch.stack((angles.cos(), -angles.sin(), angles.sin(), angles.cos()), 1)
    return _affine(images, turned.reshape(-1, 2, 2))


def lean(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Sheared, by up to 0.7 pixels a row."""
    leaning = torch.eye(2).repeat(len(images), 1, 1)
    leaning[:, 0, 1] = _random_signs(len(images), generator) * 0.7 * strength
    return _affine(images, leaning)


def resize(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Too near or too far: up to 1.6 times as large, or down to as much smaller."""
    factors = (1 + 0.6 * strength) ** _random_signs(len(images), generator)
    return _affine(images, torch.eye(2) / factors[:, None, None])


def dim(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """Underexposed: down to an eighth."""
    return _to_uint8(images.float() * (1 - 0.87 * strength))


def bend(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Brighter or darker in the middle tones: a gamma of up to 4, or down to 1/4."""
    gamma = (1 + 3 * strength) ** _random_signs(1, generator).item()
    return _to_uint8(255 * (images.float() / 255) ** gamma)


def fog(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """A background that is not black: up to half as bright as the brightest."""
    level = 128 * strength
    return _to_uint8(images.float() * (1 - level / 255) + level)


def cover(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Something in front: a black square of up to 18 pixels, anywhere."""
    side = round(3 + 15 * strength)
    corner = torch.randint(SIDE - side + 1, (len(images), 2), generator=generator)
    places = torch.arange(SIDE)
    behind = (places >= corner[:, :, None]) & (places < corner[:, :, None] + side)
    return images.masked_fill(behind[:, 0, :, None] & behind[:, 1, None, :], 0)


def invert(images: torch.Tensor, strength: float, _: torch.Generator) -> torch.Tensor:
    """A dark article on white, for a network trained on the contrary."""
    return _to_uint8(255 - images.float() * (0.6 + 0.4 * strength))


CORRUPTIONS: dict[str, Corruption] = {
    corruption.__name__: corruption
    for corruption in (
        noise, speckle, blur, coarse, shift, turn, lean, resize, dim, bend, fog, cover, invert
    )
}  # fmt: skip


def _to_uint8(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.round().clamp(0, 255).to(torch.uint8)


def _random_signs(count: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(2, (count,), generator=generator) * 2.0 - 1


def _random_directions(count: int, generator: torch.Generator) -> torch.Tensor:
    """Float (N, 2): to a side, up or down, or both at once; never zero."""
    index = torch.randint(8, (count,), generator=generator)
    index += index >= 4  # the fifth of nine is no move
    return torch.stack((index % 3 - 1.0, index // 3 - 1.0), 1)


def _translate(images: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """Move by `offsets`, float (N, 2): right and down, as shares of half the picture."""
    return _affine(images, torch.eye(2).repeat(len(images), 1, 1), offsets)


def _affine(
    images: torch.Tensor, matrices: torch.Tensor, offsets: torch.Tensor | None = None
) -> torch.Tensor:
    """Sample through affine maps: `matrices`, float (N, 2, 2), and `offsets`, float (N, 2)."""
    origin = torch.zeros(len(images), 2) if offsets is None else offsets
    theta = torch.cat((matrices, origin[:, :, None]), 2)
    grid = affine_grid(theta, [len(images), 1, SIDE, SIDE], align_corners=False)
    return _to_uint8(grid_sample(images[:, None].float(), grid, align_corners=False)[:, 0])
