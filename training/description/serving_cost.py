"""What a network costs to serve: the time of a forward pass on one thread of this machine."""

import statistics
import time

import torch

from training.model.networks import Network
from training.model.preprocess import SIDE

_BATCHES = (1, 32)
_PASSES = 15


@torch.inference_mode()
def measure_serving_cost(network: Network) -> dict[str, float]:
    """Return the median seconds of a pass of one picture and of 32, by `pictures_<count>`.

    The network must be on the CPU. Serving has one thread for each worker, too.
    """
    network.eval()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return {f"pictures_{count}": _median_seconds(network, count) for count in _BATCHES}
    finally:
        torch.set_num_threads(threads)


def _median_seconds(network: Network, count: int) -> float:
    images, seconds = torch.zeros(count, SIDE, SIDE), []
    network(images)  # the first pass of a size is slower
    for _ in range(_PASSES):
        began = time.perf_counter()
        network(images)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)
