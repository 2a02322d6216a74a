"""Which pictures an epoch sees: easy ones are left out now and then, and count for more when not.

Qin et al., InfoBatch (arXiv:2303.04947). What is easy changes little, and most of Fashion-MNIST is.
"""

import torch


def select_samples(
    losses: torch.Tensor, skipped: float, order: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """A chance `skipped`, 0..1, for each picture with less than the mean loss to be left out.

    `losses`, float (N,), are those of when each picture was last seen. Returns which are left, in
    random order, int64 (up to N,), and what each of the N counts, float (N,): an easy picture
    stands for those that were left out, so that the gradient's expectation stays the same. `order`
    is a generator on the CPU.
    """
    shuffled = torch.randperm(len(losses), generator=order).to(losses.device)
    chances = torch.rand(len(losses), generator=order).to(losses.device)
    is_easy = losses < losses.mean()
    is_left = ~is_easy | (chances >= skipped)
    return shuffled[is_left[shuffled]], torch.where(is_easy, 1 / (1 - skipped), 1.0)
