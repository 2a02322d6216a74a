"""BentoML 1.4 as its documentation has it: a batchable API, two workers."""

import bentoml
import numpy as np
from PIL import Image

from tests.benchmarks.peers.shared import Predictor
from training.model.preprocess import preprocess


@bentoml.service(workers=2)
class Batchable:
    """One tier."""

    def __init__(self) -> None:
        self.predictor = Predictor()

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1_000)
    def classify(self, images: list[Image.Image]) -> list[dict]:
        """BentoML merges requests into one call."""
        scores = self.predictor.probabilities(np.stack([preprocess(image) for image in images]))
        return [self.predictor.answer(probabilities) for probabilities in scores]
