"""Training pictures, varied the way people's pictures vary: mirrored, moved and scaled a little."""

import math

import torch
from torch.nn.functional import affine_grid, grid_sample, max_pool2d, pad

from training.model.preprocess import SIDE

_SCALED_SHARE = 0.5
"""Of the pictures. To scale blurs, and a network that sees only blur is worse on what is sharp."""

_AT_ONCE = 4_096
"""Pictures scaled together: as floats, all would take more memory than the rest of a run."""

_TURN = math.radians(15)
_VARIED_SCALE = 1 / 7
_MOVE = 2 / (SIDE / 2)
"""Of the half of a picture's edge, which is affine_grid's unit."""


def augment(images: torch.Tensor, shift: int, scale: float, order: torch.Generator) -> torch.Tensor:
    """Each picture moved by up to `shift` pixels each way and, half of the time, mirrored.

    Small moves are likelier: each is the sum of 2 * `shift` coins. Half of the pictures are
    enlarged or shrunk as well, by a factor of 1 - `scale` to 1 + `scale`. Uint8 (N, 28, 28) to
    the same; all at once, as a loop over pictures would take longer than training does. `order`
    is a generator on the CPU, so that chance is the same on every device.
    """
    count, device = len(images), images.device
    every = torch.arange(count, device=device)
    coins = torch.randint(2, (2 * shift, 2, count), generator=order)
    top, left = coins.sum(0).to(device)
    is_mirrored = (torch.rand(count, generator=order) < 0.5).to(device)
    windows = pad(images, (shift,) * 4).unfold(1, SIDE, 1).unfold(2, SIDE, 1)
    moved = windows[every, top, left]
    varied = torch.where(is_mirrored[:, None, None], moved.flip(2), moved)
    for some in torch.randperm(count, generator=order)[: int(count * _SCALED_SHARE)].split(
        _AT_ONCE
    ):
        factors = 1 + scale * (2 * torch.rand(len(some), generator=order) - 1)
        varied[some.to(device)] = _scaled(varied[some.to(device)], factors.to(device))
    return varied


def vary(images: torch.Tensor, order: torch.Generator) -> torch.Tensor:
    """Pictures of which there are few, each varied in more ways than `augment` does.

    Half of them are mirrored; a third is drawn with a thicker line and a third with a thinner one;
    each is turned by up to 15 degrees, scaled by up to a seventh and moved by up to 2 pixels. Uint8
    (N, 28, 28) to the same, with a generator on the CPU.
    """
    count = len(images)
    pixels = images[:, None].float()
    width = torch.randint(3, (count, 1, 1, 1), generator=order).to(images.device)
    thicker = max_pool2d(pixels, 3, stride=1, padding=1)
    thinner = -max_pool2d(-pixels, 3, stride=1, padding=1)
    # Half-way: on 28 pixels a whole one more is a lot, and a thin line would vanish.
    pixels = torch.where(width == 0, (pixels + thicker) / 2, pixels)
    pixels = torch.where(width == 1, (pixels + thinner) / 2, pixels)

    def chance(reach: float) -> torch.Tensor:
        return reach * (2 * torch.rand(count, generator=order) - 1)

    angle, scale = chance(_TURN), 1 + chance(_VARIED_SCALE)
    mirror = 1 - 2 * torch.randint(2, (count,), generator=order)
    towards = torch.stack(
        [
            torch.stack([scale * mirror * angle.cos(), -scale * angle.sin(), chance(_MOVE)], 1),
            torch.stack([scale * mirror * angle.sin(), scale * angle.cos(), chance(_MOVE)], 1),
        ],
        1,
    )
    return _resampled(pixels, towards.to(images.device))


def _scaled(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Pictures, uint8 (N, 28, 28), larger or smaller about their middle by factors, float (N)."""
    towards = torch.zeros(len(images), 2, 3, device=images.device)
    towards[:, 0, 0] = towards[:, 1, 1] = 1 / factors
    return _resampled(images[:, None].float(), towards)


def _resampled(pixels: torch.Tensor, towards: torch.Tensor) -> torch.Tensor:
    """Pictures, float (N, 1, 28, 28), through affine maps, float (N, 2, 3): uint8 (N, 28, 28)."""
    grid = affine_grid(towards, list(pixels.shape), align_corners=False)
    varied = grid_sample(pixels, grid, align_corners=False)
    return varied[:, 0].round().to(torch.uint8)
