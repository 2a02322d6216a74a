"""The calls about classes that the trainer's examples come from."""

from dataclasses import dataclass
from typing import Any

import requests

from tests.support.api_examples.recorder import Recorder
from tests.support.processes import Home, call


@dataclass
class ClassCalls:
    """A trainer without own classes, on `home`."""

    recorder: Recorder
    url: str
    home: Home

    def asked(
        self, operation: str, status: str, name: str, method: str, path: str = "", **request: Any
    ) -> requests.Response:
        """Ask the trainer, and keep the answer under an operation, status and name."""
        answer = call(method, self.url, f"/classes{path}", **request)
        self.recorder.note("trainer", operation, status, name)(answer)
        return answer

    def find_no_store(self) -> None:
        """While a link that leads nowhere is in place of the database."""
        broken = ("503", "broken")
        self.asked("list_classes", *broken, "GET")
        self.asked("add_class", *broken, "POST", json={"name": "Hat"})
        self.asked("change_class", *broken, "PATCH", "/Hat", json={"name": "Cap"})
        self.asked("delete_class", *broken, "DELETE", "/Hat")
        self.asked("undo_class_change", *broken, "POST", "/undo", json={"change": 1})

    def play(self) -> None:
        """Add, rename, merge, delete and undo; and what is refused."""
        add, change, delete, undo = "add_class", "change_class", "delete_class", "undo_class_change"
        self.asked(add, "201", "added", "POST", json={"name": "Hat"})
        self.asked(change, "200", "renamed", "PATCH", "/Hat", json={"name": "Cap"})
        self.asked("list_classes", "200", "own", "GET")
        self.asked(change, "200", "merged", "PATCH", "/Cap", json={"merge_into": "Bag"})
        self.asked(undo, "409", "later", "POST", "/undo", json={"change": 1})
        self.asked(undo, "200", "undone", "POST", "/undo", json={"change": 2})
        self.asked(undo, "409", "twice", "POST", "/undo", json={"change": 2})
        for name, text in (
            ("empty", " "),
            ("long", "x" * 41),
            ("markup", "<b>Hat</b>"),
            ("invisible", "Hat\u200b"),
            ("alphabets", "H\u0430t"),
        ):
            self.asked(add, "400", name, "POST", json={"name": text})
        self.asked(change, "400", "nothing", "PATCH", "/Cap", json={})
        self.asked(undo, "400", "missing", "POST", "/undo", json={})
        self.asked(add, "409", "taken", "POST", json={"name": "Bag"})
        self.asked(add, "409", "looks_alike", "POST", json={"name": "cap"})
        self.asked(change, "409", "built_in", "PATCH", "/T-shirt%2Ftop", json={"name": "Tee"})
        self.asked(delete, "409", "built_in", "DELETE", "/Bag")
        self.asked(change, "404", "unknown", "PATCH", "/Glove", json={"name": "Mitten"})
        self.asked(delete, "404", "unknown", "DELETE", "/Glove")
        self.asked(undo, "404", "unknown", "POST", "/undo", json={"change": 999_999_999})
        self.asked(delete, "200", "deleted", "DELETE", "/Cap")
        self.asked("list_classes", "405", "method", "PATCH")
        self.asked(change, "405", "method", "GET", "/Cap")
