"""LitServe with batching, as its documentation has it: two workers, two API servers."""

import sys
from typing import Any

import litserve
import numpy as np
from fastapi import Request

from tests.benchmarks.peers.shared import Predictor, decode


class Classifier(litserve.LitAPI):
    """Decode, batch, predict, unbatch, encode."""

    def setup(self, device: str) -> None:
        """Once a worker."""
        self.predictor = Predictor()

    def decode_request(self, request: Request) -> Any:
        """The picture is a file of a form: a body of its own would be taken for JSON."""
        return decode(request["image"].file.read())

    def batch(self, inputs: list[Any]) -> Any:
        """Pictures to one array."""
        return np.stack(inputs)

    def predict(self, batch: Any) -> list[list[float]]:
        """One forward pass."""
        return self.predictor.probabilities(batch)

    def unbatch(self, output: list[list[float]]) -> list[list[float]]:
        """A row a request."""
        return output

    def encode_response(self, output: list[float]) -> dict[str, Any]:
        """The answer."""
        return self.predictor.answer(output)


if __name__ == "__main__":
    api = Classifier(max_batch_size=32, batch_timeout=0.002, api_path="/classify")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=2)
    server.run(port=int(sys.argv[1]), num_api_servers=2, generate_client_file=False)
