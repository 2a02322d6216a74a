"""Data augmentation: training pictures mirrored, moved and scaled a little, at random."""

import math

import torch
from torch.nn.functional import affine_grid, grid_sample, max_pool2d, pad

from training.model.preprocess import SIDE

_SCALED_SHARE = 0.5
"""Of the pictures. Scaling blurs, and a network trained only on blur is worse on sharp pictures."""

_BATCH_SIZE = 4_096
"""Pictures scaled together: as floats, all would take more memory than the rest of a run."""

_TURN = math.radians(15)
_MOVE = 2 / (SIDE / 2)
"""Of the half of a picture's edge, which is affine_grid's unit."""

_WIDE_TURN, _STRETCH, _WIDE_MOVE = math.radians(35), 0.3, 3 / (SIDE / 2)


def augment(
    images: torch.Tensor, shift: int, scale: float, generator: torch.Generator
) -> torch.Tensor:
    """Move each picture by up to `shift` pixels each way, and mirror half of them.

    Small moves are likelier: each is the sum of 2 * `shift` coin tosses. Half of the pictures are
    enlarged or shrunk as well, by a factor of 1 - `scale` to 1 + `scale`. Uint8 (N, 28, 28) to
    the same; all at once, as a loop over pictures would take longer than training does. `generator`
    is on the CPU, so that the result is the same on every device.
    """
    count, device = len(images), images.device
    every = torch.arange(count, device=device)
    tosses = torch.randint(2, (2 * shift, 2, count), generator=generator)
    top, left = tosses.sum(0).to(device)
    is_mirrored = (torch.rand(count, generator=generator) < 0.5).to(device)
    windows = pad(images, (shift,) * 4).unfold(1, SIDE, 1).unfold(2, SIDE, 1)
    moved = windows[every, top, left]
    augmented = torch.where(is_mirrored[:, None, None], moved.flip(2), moved)
    for rows in torch.randperm(count, generator=generator)[: int(count * _SCALED_SHARE)].split(
        _BATCH_SIZE
    ):
        factors = 1 + scale * (2 * torch.rand(len(rows), generator=generator) - 1)
        augmented[rows.to(device)] = _rescale(augmented[rows.to(device)], factors.to(device))
    return augmented


def augment_strongly(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Augment pictures of which there are few, in more ways than `augment` does.

    Half of them are mirrored; a third is drawn with a thicker line and a third with a thinner one;
    each is turned by up to 15 degrees, scaled by up to a seventh and moved by up to 2 pixels. Uint8
    (N, 28, 28) to the same; `generator` is on the CPU.
    """
    pixels = _vary_lines(images, generator)
    angle, scale = _uniform(len(images), _TURN, generator), _uniform(len(images), 1 / 7, generator)
    return _turn(pixels, angle, 1 + scale, 1 + scale, _MOVE, generator)


def augment_widely(
    images: torch.Tensor, generator: torch.Generator, *, mixed: bool = True
) -> torch.Tensor:
    """Augment pictures of a class of which there are few, and no others of their kind.

    They vary as with `augment_strongly`, but are turned by up to 35 degrees, stretched by up to a
    third along each axis and moved by up to 3 pixels. With `mixed`, half of them are a mixture of
    two: what only one shows becomes faint. Uint8 (N, 28, 28) to the same; `generator` is on the
    CPU.
    """
    count = len(images)
    if mixed:
        other = images[torch.randperm(count, generator=generator).to(images.device)]
        share = torch.rand(count, 1, 1, generator=generator)
        share[torch.rand(count, generator=generator) < 0.5] = 1
        share = share.to(images.device)
        images = (share * images + (1 - share) * other).round()
    pixels = _vary_lines(images, generator)
    angle = _uniform(count, _WIDE_TURN, generator)
    across, down = (_uniform(count, _STRETCH, generator).exp() for _ in range(2))
    return _turn(pixels, angle, across, down, _WIDE_MOVE, generator)


def _vary_lines(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Thicken a third and thin another third of pictures, (N, 28, 28), to float (N, 1, 28, 28)."""
    pixels = images[:, None].float()
    width = torch.randint(3, (len(images), 1, 1, 1), generator=generator).to(images.device)
    thicker = max_pool2d(pixels, 3, stride=1, padding=1)
    thinner = -max_pool2d(-pixels, 3, stride=1, padding=1)
    # Half-way: on 28 pixels a whole one more is a lot, and a thin line would vanish.
    pixels = torch.where(width == 0, (pixels + thicker) / 2, pixels)
    return torch.where(width == 1, (pixels + thinner) / 2, pixels)


def _turn(
    pixels: torch.Tensor,
    angle: torch.Tensor,
    across: torch.Tensor,
    down: torch.Tensor,
    move: float,
    generator: torch.Generator,
) -> torch.Tensor:
    """Turn pictures, float (N, 1, 28, 28), by angles, shrink them by factors, and mirror half."""
    count = len(pixels)
    mirror = 1 - 2 * torch.randint(2, (count,), generator=generator)
    matrices = torch.stack(
        [
            torch.stack(
                [
                    across * mirror * angle.cos(),
                    -down * angle.sin(),
                    _uniform(count, move, generator),
                ],
                1,
            ),
            torch.stack(
                [
                    across * mirror * angle.sin(),
                    down * angle.cos(),
                    _uniform(count, move, generator),
                ],
                1,
            ),
        ],
        1,
    )
    return _resample(pixels, matrices.to(pixels.device))


def _uniform(count: int, reach: float, generator: torch.Generator) -> torch.Tensor:
    """Random numbers, float (count,), between -`reach` and `reach`."""
    return reach * (2 * torch.rand(count, generator=generator) - 1)


def _rescale(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Rescale pictures, uint8 (N, 28, 28), about their middle by factors, float (N)."""
    matrices = torch.zeros(len(images), 2, 3, device=images.device)
    matrices[:, 0, 0] = matrices[:, 1, 1] = 1 / factors
    return _resample(images[:, None].float(), matrices)


def _resample(pixels: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Map pictures, float (N, 1, 28, 28), by matrices, float (N, 2, 3), to uint8 (N, 28, 28)."""
    grid = affine_grid(matrices, list(pixels.shape), align_corners=False)
    augmented = grid_sample(pixels, grid, align_corners=False)
    return augmented[:, 0].round().to(torch.uint8)
