"""The calls about corrections that the trainer's examples come from."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from tests.support.api_examples.classes import ClassCalls
from tests.support.api_examples.recorder import BAG, FORM, PNG, SNEAKER, Recorder
from tests.support.pictures import header_bomb
from tests.support.processes import Home, call


def bag(label: str, picture: bytes = BAG) -> dict[str, Any]:
    """What `requests` sends to say what a picture shows."""
    return {"files": {"image": picture}, "data": {"label": label}}


def archive(
    label: str = "Bag", picture: bytes = SNEAKER, table: str | None = "corrections.csv"
) -> bytes:
    """A zip with one correction in it; without a table, with a picture only."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as files:
        files.writestr("shoe.png", picture)
        if table is not None:
            files.writestr(table, f"file,label\nshoe.png,{label}\n")
    return file.getvalue()


@dataclass
class CorrectionCalls:
    """A trainer without corrections, on `home`."""

    recorder: Recorder
    url: str
    home: Home

    def noting(self) -> Callable[..., requests.Response]:
        """Asks the trainer, and keeps the answer under an operation, status and name."""

        def asked(
            operation: str, status: str, name: str, method: str, path: str, **request: Any
        ) -> requests.Response:
            answer = call(method, self.url, f"/corrections{path}", **request)
            self.recorder.note("trainer", operation, status, name)(answer)
            return answer

        return asked

    def find_no_store(self) -> None:
        """A link that leads nowhere, in place of the database."""
        asked = self.noting()
        file = self.home.path / "corrections.db"
        for one in self.home.path.glob("corrections.db*"):  # of the run that was cancelled
            one.unlink()
        file.symlink_to("/srv/unmounted/corrections.db")
        asked("keep_correction", "503", "broken", "POST", "", **bag("Bag"))
        asked("list_corrections", "503", "broken", "GET", "")
        asked("correction_image", "503", "broken", "GET", "/1/image")
        asked("change_correction", "503", "broken", "PATCH", "/1", json={"state": "accepted"})
        asked("delete_correction", "503", "broken", "DELETE", "/1")
        asked("export_corrections", "503", "broken", "GET", "/export")
        asked("import_corrections", "503", "broken", "POST", "/import", data=archive())
        ClassCalls(self.recorder, self.url, self.home).find_no_store()
        self.finetune("503", "broken")
        file.unlink()

    def find_no_corrections(self) -> None:
        self.finetune("409", "no_corrections")

    def finetune(self, status: str, name: str) -> None:
        answer = call("POST", self.url, "/runs", json={"recipe": "finetune"})
        self.recorder.note("trainer", "start_run", status, name)(answer)

    def correct(self) -> None:
        asked = self.noting()
        keep = "keep_correction"
        first = asked(keep, "201", "kept", "POST", "", **bag("Bag")).json()["id"]
        asked(keep, "200", "known", "POST", "", **bag("Bag"))
        second = asked(keep, "201", "conflict", "POST", "", **bag("Coat")).json()["id"]
        asked("list_corrections", "200", "two", "GET", "")
        accepted = {"state": "accepted"}
        asked("change_correction", "409", "conflict", "PATCH", f"/{first}", json=accepted)
        a_bag = {"label": "Bag"}
        asked("change_correction", "200", "relabelled", "PATCH", f"/{second}", json=a_bag)
        asked("change_correction", "200", "accepted", "PATCH", f"/{first}", json=accepted)
        for name, body in (
            ("change", '{"state": "new"}'),
            ("object", "[]"),
            ("label", '{"label": "Hat"}'),
        ):
            asked("change_correction", "400", name, "PATCH", f"/{first}", data=body)
        for name, query in (("state", "state=old"), ("after", "after=it"), ("limit", "limit=900")):
            asked("list_corrections", "400", name, "GET", f"?{query}")
        self.refuse_corrections(asked)
        self.move_corrections(asked)
        for operation, method, path in (
            ("change_correction", "PATCH", ""),
            ("delete_correction", "DELETE", ""),
            ("correction_image", "GET", "/image"),
        ):
            more = {"json": a_bag} if method == "PATCH" else {}
            asked(operation, "404", "unknown", method, f"/999999999{path}", **more)
        for operation, path in (
            ("list_corrections", ""),
            (keep, ""),
            ("export_corrections", "/export"),
            ("import_corrections", "/import"),
            ("change_correction", "/1"),
            ("delete_correction", "/1"),
            ("correction_image", "/1/image"),
        ):
            asked(operation, "405", "method", "PUT", path)

    def refuse_corrections(self, asked: Callable[..., requests.Response]) -> None:
        def refused(status: str, name: str, **request: Any) -> None:
            asked("keep_correction", status, name, "POST", "", **request)

        refused("400", "empty", **bag("Bag", b""))
        refused("400", "unreadable", **bag("Bag", b"hello"))
        refused("400", "damaged", **bag("Bag", BAG[:-60]))
        refused("400", "image", files={"picture": SNEAKER})
        refused("400", "form", data=b"-", headers=FORM)
        refused("400", "missing", files={"image": BAG})
        refused("400", "label", **bag("Hat"))
        for name, value in (("predicted", "Hat"), ("model", "../it"), ("source", "The pad")):
            refused("400", name, files={"image": BAG}, data={"label": "Bag", name: value})
        refused("400", "field", files={"image": BAG}, data={"label": "Bag", "colour": "red"})
        refused("413", "bytes", **bag("Bag", bytes(10_200_001)))
        refused("413", "pixels", **bag("Bag", header_bomb()))
        refused("413", "files", files=[("image", SNEAKER), ("image", BAG)], data={"label": "Bag"})
        refused("415", "type", data=BAG, headers=PNG)

    def move_corrections(self, asked: Callable[..., requests.Response]) -> None:
        def moved(status: str, name: str, **request: Any) -> None:
            asked("import_corrections", status, name, "POST", "/import", **request)

        moved("200", "taken", data=archive())
        moved("400", "zip", data=b"hello")
        moved("400", "table", data=archive(table=None))
        moved("400", "row", data=archive("Hat"))
        moved("400", "picture", data=archive(picture=b"hello"))
        moved("400", "field", files={"picture": (None, "x")} | {"picture": BAG})
        moved("413", "bytes", data=bytes(100_000_001))
