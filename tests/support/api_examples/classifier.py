"""The calls of the classifier that its examples come from."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import requests

from tests.support.api_examples.recorder import BAG, FORM, PNG, SNEAKER, Recorder
from tests.support.pictures import header_bomb

NPY = {"Content-Type": "application/x-npy"}


def npy(array: Any) -> bytes:
    """An array as a file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@dataclass
class ClassifierCalls:
    """A classifier that serves a model, asked for everything."""

    recorder: Recorder
    url: str

    def play(self) -> None:
        """Make every call."""
        for call in ("classify", "explain", "preview"):
            self.send_one_picture(call)
        self.send_many_pictures()
        self.overload()
        self.ask_the_classifier()

    def send_one_picture(self, call: str) -> None:
        """Good and bad pictures, to `/classify`, `/explain` or `/preview`."""
        url = f"{self.url}/{call}"

        def refused(status: str, name: str, **request: Any) -> None:
            self.recorder.note("classifier", call, status, name)(
                requests.post(url, timeout=30, **request)
            )

        if call != "preview":
            refused("200", "sneaker", data=SNEAKER, headers=PNG)
        refused("400", "empty", data=b"", headers=PNG)
        refused("400", "unreadable", data=b"hello", headers=PNG)
        refused("400", "damaged", data=BAG[:-60], headers=PNG)
        refused("400", "field", files={"picture": SNEAKER})
        refused("400", "form", data=b"-", headers=FORM)
        refused("413", "bytes", data=bytes(10_000_001), headers=PNG)
        refused("413", "pixels", data=header_bomb(), headers=PNG)
        refused("413", "files", files=[("image", SNEAKER), ("image", BAG)])
        refused("415", "type", data=b"hello", headers={"Content-Type": "text/plain"})
        refused("415", "missing", data=SNEAKER)
        refused("415", "svg", data=b"<svg/>", headers={"Content-Type": "image/svg+xml"})
        self.recorder.note("classifier", call, "405", "method")(requests.get(url, timeout=30))

    def send_many_pictures(self) -> None:
        """Forms and arrays, good and bad."""
        url = f"{self.url}/classify_many"

        def sent(status: str, name: str, **request: Any) -> None:
            answer = requests.post(url, timeout=60, **request)
            self.recorder.note("classifier", "classify_many", status, name)(answer)

        three = [("sneaker.png", SNEAKER), ("notes.txt", b"hello"), ("bag.png", BAG)]
        sent("200", "three", files=[("images", file) for file in three])
        sent("400", "field", files={"picture": SNEAKER})
        sent("400", "form", data=b"-", headers=FORM)
        sent("400", "array", data=npy(np.array([{}])), headers=NPY)
        sent("400", "shape", data=npy(np.zeros((1, 28, 28), np.float32)), headers=NPY)
        sent("413", "bytes", data=bytes(10_000_001), headers=NPY)
        sent("413", "files", files=[("images", ("", b"-"))] * 10_001)
        sent("415", "type", json=[])
        answer = requests.get(url, timeout=30)
        self.recorder.note("classifier", "classify_many", "405", "method")(answer)

    def overload(self) -> None:
        """More pictures at once than may wait, until a call is turned away."""
        many = npy(np.zeros((10_000, 28, 28), np.uint8))

        def flood(_: int) -> requests.Response:
            return requests.post(f"{self.url}/classify_many", data=many, headers=NPY, timeout=60)

        with ThreadPoolExecutor(12) as clients:
            for _ in range(10):
                for answer in clients.map(flood, range(12)):
                    if answer.status_code == 503:
                        self.recorder.note("classifier", "classify_many", "503", "busy")(answer)
                        return

    def ask_the_classifier(self) -> None:
        """What it is asked without a picture."""
        for path, call, name in (
            ("model", "model", "served"),
            ("livez", "livez", "alive"),
            ("healthz", "healthz", "alive"),
            ("readyz", "readyz", "ready"),
            ("metrics", "metrics", "excerpt"),
        ):
            answer = requests.get(f"{self.url}/{path}", timeout=30)
            self.recorder.note("classifier", call, "200", name)(answer)
        for path in ("model", "readyz"):
            answer = requests.post(f"{self.url}/{path}", timeout=30)
            self.recorder.note("classifier", path, "405", "method")(answer)
