"""What both services answer to those who may not call, or call too often."""

from dataclasses import dataclass

import requests

from tests.support.api_examples.recorder import PNG, SNEAKER, Recorder
from tests.support.processes import Bearer, call, page_token

_MOST_RUNS = 60
"""In an hour: the default of RUNS_PER_HOUR."""


@dataclass
class Refusals:
    """A classifier and a trainer, asked by strangers."""

    recorder: Recorder

    def of_the_classifier(self, url: str) -> None:
        """Pictures with a wrong token, from another website, and under another name."""

        def refused(status: str, name: str, **headers: str) -> None:
            answer = requests.post(
                f"{url}/classify", data=SNEAKER, headers=PNG | headers, timeout=30
            )
            self.recorder.note("classifier", "classify", status, name)(answer)

        refused("401", "wrong_token", Authorization="Bearer wrong")
        refused("403", "other_website", Origin="https://example.org")
        refused("421", "other_host", Host="wardrobe.example.org")

    def of_the_trainer(self, url: str) -> None:
        """Runs without a token, with a role that may not, and more than an hour allows.

        None starts: the body is no JSON.
        """

        def refused(status: str, name: str, role: str | None, **headers: str) -> None:
            auth = Bearer(page_token(url, role)) if role else None
            answer = requests.post(
                f"{url}/runs", data="three", headers=headers, auth=auth, timeout=30
            )
            self.recorder.note("trainer", "start_run", status, name)(answer)

        refused("401", "no_token", None)
        refused("403", "role", "teacher")
        refused("403", "other_website", "operator", Origin="https://example.org")
        refused("421", "other_host", "operator", Host="wardrobe.example.org")
        visitor = {"Wardrobe-User": "ada"}
        for _ in range(_MOST_RUNS):
            call("POST", url, "/runs", data="three", headers=visitor)
        refused("429", "too_many", "operator", **visitor)
