"""The reference's way: a runner of BentoML 1.3.7, as its document has it."""

import bentoml
import numpy as np
from PIL.Image import Image

from tests.benchmarks.peers.shared import Predictor
from training.model.preprocess import preprocess


class Runnable(bentoml.Runnable):
    """The network in processes of its own."""

    SUPPORTED_RESOURCES = ("cpu",)
    SUPPORTS_CPU_MULTI_THREADING = False

    def __init__(self) -> None:
        self.predictor = Predictor()

    @bentoml.Runnable.method(batchable=True)
    def predict(self, images: np.ndarray) -> np.ndarray:
        """BentoML merges requests into one call."""
        return np.array(self.predictor.probabilities(images))


runner = bentoml.Runner(Runnable, name="network")
svc = bentoml.Service("reference", runners=[runner])


@svc.api(input=bentoml.io.Image(), output=bentoml.io.JSON())
async def classify(image: Image) -> dict:
    """One picture."""
    [probabilities] = await runner.predict.async_run(preprocess(image)[None])
    idx = int(probabilities.argmax())
    return {"idx": idx, "confidence": float(probabilities[idx])}
