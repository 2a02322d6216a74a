"""Ray Serve with @serve.batch, as its documentation has it: two replicas."""

import sys
from typing import Any

import numpy as np
from ray import serve
from starlette.requests import Request

from tests.benchmarks.peers.shared import Predictor, decode


@serve.deployment(num_replicas=2, max_ongoing_requests=200, ray_actor_options={"num_cpus": 0.5})
class Classifier:
    """One replica."""

    def __init__(self) -> None:
        self.predictor = Predictor()

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.002)
    async def classify(self, images: list[Any]) -> list[dict[str, Any]]:
        """The pictures of several requests in one forward pass."""
        scores = self.predictor.probabilities(np.stack(images))
        return [self.predictor.answer(probabilities) for probabilities in scores]

    async def __call__(self, request: Request) -> dict[str, Any]:
        """The picture is the body."""
        body = await request.body()
        if not body:
            return {}
        answer: dict[str, Any] = await self.classify(decode(body))
        return answer


if __name__ == "__main__":
    serve.start(http_options={"port": int(sys.argv[1])})
    serve.run(Classifier.bind(), blocking=True)
