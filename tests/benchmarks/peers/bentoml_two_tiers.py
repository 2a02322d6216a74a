"""BentoML 1.4 in two tiers, as its documentation has it: one decodes, one batches."""

import bentoml
import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.benchmarks.peers.shared import Predictor
from training.model.preprocess import preprocess


@bentoml.service(workers=1)
class Network:
    """The tier with the network."""

    def __init__(self) -> None:
        self.predictor = Predictor()

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1_000)
    def predict(self, images: npt.NDArray[np.uint8]) -> list[dict]:
        """BentoML merges requests into one call."""
        scores = self.predictor.probabilities(images)
        return [self.predictor.answer(probabilities) for probabilities in scores]


@bentoml.service(workers=2)
class TwoTiers:
    """The tier that clients talk to."""

    network = bentoml.depends(Network)

    @bentoml.api
    async def classify(self, image: Image.Image) -> dict:
        """One picture."""
        answers: list[dict] = await self.network.to_async.predict(preprocess(image)[None])
        return answers[0]
