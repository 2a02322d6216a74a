"""InfoBatch: an epoch skips a random part of the easy pictures, and weights the others higher.

Qin et al., InfoBatch (arXiv:2303.04947). Easy pictures have small gradients, and most
pictures of Fashion-MNIST are easy.
"""

import torch


def select_samples(
    losses: torch.Tensor, skipped: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Skip each picture whose loss is below the mean with probability `skipped`, 0..1.

    `losses`, float (N,), are those of when each picture was last trained on. Returns the indices of
    the selected pictures, shuffled, int64 (up to N,), and the sample weights of all N, float (N,):
    easy pictures weigh more, so that the gradient's expectation stays the same. `generator` is on
    the CPU.
    """
    shuffled = torch.randperm(len(losses), generator=generator).to(losses.device)
    draws = torch.rand(len(losses), generator=generator).to(losses.device)
    is_easy = losses < losses.mean()
    is_selected = ~is_easy | (draws >= skipped)
    return shuffled[is_selected[shuffled]], torch.where(is_easy, 1 / (1 - skipped), 1.0)
