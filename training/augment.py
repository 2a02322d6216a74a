"""Training pictures, varied the way people's pictures vary: mirrored, moved and scaled a little."""

import torch
from torch.nn.functional import affine_grid, grid_sample, pad

from training.preprocess import SIDE

_SCALED_SHARE = 0.5
"""Of the pictures. To scale blurs, and a network that sees only blur is worse on what is sharp."""

_AT_ONCE = 4_096
"""Pictures scaled together: as floats, all would take more memory than the rest of a run."""


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


def _scaled(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Pictures, uint8 (N, 28, 28), larger or smaller about their middle by factors, float (N)."""
    towards = torch.zeros(len(images), 2, 3, device=images.device)
    towards[:, 0, 0] = towards[:, 1, 1] = 1 / factors
    grid = affine_grid(towards, [len(images), 1, SIDE, SIDE], align_corners=False)
    pixels = grid_sample(images[:, None].float(), grid, align_corners=False)
    return pixels[:, 0].round().to(torch.uint8)
