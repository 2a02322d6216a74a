"""A scripted classifier with one answer, and a scripted trainer that keeps what it is taught."""

import io
import json
import re
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from tests.support.app import trainer_json
from tests.support.app.pages import NO_CORRECTIONS, NO_MODEL, TAG, run_json
from tests.support.scripted_server import Answer, Request, json_answer


@dataclass
class TeachableServices:
    """Answers the requests of the Classify page.

    `served` are the classes of the live version, empty without one; `label` is its answer, `known`
    what it says about it. `own` counts the pictures of own classes. `name_error` refuses every new
    class. `taught` holds the fields of each correction.
    """

    served: list[str] = field(default_factory=lambda: list(trainer_json.BUILT_IN))
    label: str = "Bag"
    known: bool | None = False
    own: dict[str, int] = field(default_factory=dict)
    name_error: str | None = None
    taught: list[dict[str, str]] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        verb, path, body = request[0], request[1].partition("?")[0], request[2]
        match verb, path:
            case "POST", "/classify":
                return json_answer(self._classification())
            case "POST", "/preview":
                return 200, "image/png", _grey_png()
            case "POST", "/classes":
                return self._create(json.loads(body)["name"])
            case "POST", "/corrections":
                return self._teach(_form_fields(body))
            case "GET", _:
                return self._look(path)
            case _:
                return json_answer({"error": f"There is no {path}."}, 404)

    def _look(self, path: str) -> Answer:
        ready = {"tag": TAG, "metadata": {"class_names": self.served}, "serving": {TAG: 2}}
        counts = {**NO_CORRECTIONS["counts"], "new": len(self.taught)}
        answers = {
            "/model": {**ready, "workers": []} if self.served else NO_MODEL,
            "/classes": trainer_json.classes(self.own),
            "/corrections": {**NO_CORRECTIONS, "counts": counts},
            "/runs": {"runs": [run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00")]},
        }
        if path not in answers:
            return json_answer({"error": f"There is no {path}."}, 404)
        return json_answer(answers[path])

    def _classification(self) -> dict[str, Any]:
        share = 0.4 / (len(self.served) - 1)
        return {
            "label": self.label,
            "idx": self.served.index(self.label),
            "confidence": 0.6,
            "probabilities": dict.fromkeys(self.served, share) | {self.label: 0.6},
            "known": self.known,
            "familiarity": None if self.known is None else 0.01,
            "model": TAG,
        }

    def _create(self, name: str) -> Answer:
        if self.name_error is not None:
            return json_answer({"error": self.name_error}, 409)
        self.own[name] = 0
        return json_answer(trainer_json.class_json(name, 0, "own"), 201)

    def _teach(self, fields: dict[str, str]) -> Answer:
        self.taught.append(fields)
        if fields["label"] in self.own:
            self.own[fields["label"]] += 1
        return json_answer({"id": len(self.taught), "state": "new"}, 201)


def _form_fields(body: bytes) -> dict[str, str]:
    """Return the texts of a multipart form."""
    found = re.findall(rb'name="(\w+)"\r\n\r\n(.*?)\r\n--', body)
    return {name.decode(): value.decode() for name, value in found}


def _grey_png() -> bytes:
    png = io.BytesIO()
    Image.new("L", (28, 28), 90).save(png, "PNG")
    return png.getvalue()
