"""What every peer has in common with the project: network, weights, preprocessing, answer."""

import io
import os
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from training.model import networks
from training.model.preprocess import preprocess, to_input

WEIGHTS = "BENCH_WEIGHTS"
"""Environment variable: a file with the network's name, its weights and the class names."""


class Predictor:
    """The network, on one thread as in the project."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        stored = torch.load(os.environ[WEIGHTS], weights_only=True)
        self.class_names: list[str] = stored["class_names"]
        self.network = networks.build(stored["network"], len(self.class_names))
        self.network.load_state_dict(stored["weights"])
        self.network.eval()

    @torch.inference_mode()
    def probabilities(self, images: npt.NDArray[np.uint8]) -> list[list[float]]:
        """Of pictures, uint8 (N, 28, 28), with N of 1 or more."""
        scores: list[list[float]] = self.network(to_input(images)).softmax(dim=1).tolist()
        return scores

    def answer(self, probabilities: list[float]) -> dict[str, Any]:
        """What the project answers, but for the version."""
        confidence = max(probabilities)
        idx = probabilities.index(confidence)
        return {
            "label": self.class_names[idx],
            "idx": idx,
            "confidence": confidence,
            "probabilities": dict(zip(self.class_names, probabilities, strict=True)),
        }


def decode(data: bytes) -> npt.NDArray[np.uint8]:
    """A picture file as what the network sees, uint8 (28, 28)."""
    return preprocess(Image.open(io.BytesIO(data)))
