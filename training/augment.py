"""Training pictures, varied the way people's pictures vary: mirrored and moved a little."""

import torch
from torch.nn.functional import pad

from training.preprocess import SIDE


def augment(images: torch.Tensor, shift: int, order: torch.Generator) -> torch.Tensor:
    """Each picture moved by up to `shift` pixels each way and, half of the time, mirrored.

    Uint8 (N, 28, 28) to the same; all at once, as a loop over pictures would take longer than
    training does. `order` is a generator on the CPU, so that chance is the same on every device.
    """
    count = len(images)
    every = torch.arange(count)
    top, left = torch.randint(2 * shift + 1, (2, count), generator=order)
    is_mirrored = torch.rand(count, generator=order) < 0.5
    windows = pad(images, (shift,) * 4).unfold(1, SIDE, 1).unfold(2, SIDE, 1)
    moved = windows[every.to(images.device), top.to(images.device), left.to(images.device)]
    return torch.where(is_mirrored.to(images.device)[:, None, None], moved.flip(2), moved)
