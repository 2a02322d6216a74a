"""A trainer and a classifier on one state folder, and the calls of a feedback loop."""

from dataclasses import dataclass
from typing import Any

import requests

from tests.support.processes import Home, Server, wait_for
from training.store import runs


@dataclass
class FeedbackLoop:
    """A trainer and a classifier on a folder of their own, and the champion's tag."""

    home: Home
    trainer: Server
    classifier: Server
    first: str

    def start(self, config: dict[str, Any]) -> str:
        answer = self.trainer.post("/runs", json=config)
        assert answer.status_code == 201, answer.text
        run_id: str = answer.json()["run_id"]
        return run_id

    def finished(self, run_id: str, state: str = "succeeded") -> dict[str, Any]:
        wait_for(
            lambda: self.run(run_id)["state"] not in runs.ACTIVE, 240, f"the end of run {run_id}"
        )
        run = self.run(run_id)
        assert run["state"] == state, run["error"]
        return run

    def run(self, run_id: str) -> dict[str, Any]:
        run: dict[str, Any] = self.trainer.get(f"/runs/{run_id}")
        return run

    def champion(self) -> str | None:
        tag: str | None = self.trainer.get("/models")["champion"]
        return tag

    def version(self, tag: str) -> dict[str, Any]:
        """A version's row of GET /models."""
        [row] = [it for it in self.trainer.get("/models")["models"] if it["tag"] == tag]
        found: dict[str, Any] = row
        return found

    def promote(self, tag: str, **request: Any) -> requests.Response:
        return self.trainer.post(f"/models/{tag.partition(':')[2]}/promote", **request)

    def is_served(self, tag: str) -> bool:
        return bool(self.classifier.get("/model")["serving"] == {tag: 1})

    def say(self, picture: bytes, label: str) -> int:
        """Correct: what a picture shows. Returns the correction's id."""
        answer = self.trainer.post(
            "/corrections", files={"image": picture}, data={"label": label, "source": "pad"}
        )
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["id"]
        return number

    def corrections(self, state: str = "") -> list[dict[str, Any]]:
        page = self.trainer.get(f"/corrections?limit=500&state={state}")
        assert page["next"] is None
        rows: list[dict[str, Any]] = page["corrections"]
        return rows
