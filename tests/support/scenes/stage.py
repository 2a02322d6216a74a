"""Scripted services behind one page, whose state of the world a scene sets."""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from PIL import Image, ImageDraw

from tests.support.app import scripted_prometheus as recordings
from tests.support.app import trainer_json
from tests.support.app.pages import TAG, run_json, script_services
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer

SERVICES = ("classifier", "trainer", "prometheus")


def live(name: str = "abc") -> dict[str, Any]:
    """Return what the classifier says of itself while this version answers."""
    tag = f"fashion_mnist_model:{name}"
    metadata = {"accuracy": 0.9274, "class_names": trainer_json.BUILT_IN}
    return {"tag": tag, "metadata": metadata, "workers": [], "serving": {tag: 2}}


ENDED = {"ended_at": "2026-01-02T03:05:06+00:00"}


@dataclass(frozen=True)
class World:
    """What the services say. `label` is the answer to every picture, `known` whether it is sure.

    `more` are other answers of the services, by the last part of the path. `down` are the services
    that do not answer.
    """

    model: Any = field(default_factory=live)
    run: Mapping[str, Any] = field(default_factory=lambda: run_json("cancelled", **ENDED))
    versions: Sequence[dict[str, Any]] = ()
    label: str = "Trouser"
    known: bool = True
    numbers: Sequence[recordings.Number] = field(default_factory=recordings.healthy)
    alerts: Sequence[dict[str, Any]] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    down: frozenset[str] = frozenset()


class Stage:
    """Servers in the place of the services."""

    def __init__(self, servers: Mapping[str, ScriptedServer]) -> None:
        self._servers = servers

    def show(self, world: World) -> None:
        """Let the services say this from now on."""
        versions = world.versions or [trainer_json.version("abc", "champion", accuracy=0.9274)]
        numbers = {one["version"]: number for number, one in enumerate(reversed(versions), 1)}
        versions = [{**one, "number": numbers[one["version"]]} for one in versions]
        more = {"models/numbers": {"numbers": numbers}, **world.more}
        for name, server in self._servers.items():
            with pytest.MonkeyPatch.context() as patch:  # the page knows the addresses already
                script_services(server, patch, dict(world.run), world.model, versions, **more)
            server.answer = partial(_answer, world, server.answer)
            server.hang_ups_before_an_answer = 1_000_000_000 if name in world.down else 0


def _answer(world: World, scripted: Any, request: Request) -> Answer:
    path = request[1].partition("?")[0]
    if path == "/classify":
        return json_answer(_classification(world))
    if path == "/classify_many":
        count = len(re.findall(rb'name="images"', request[2]))
        return json_answer([_classification(world)] * count)
    if path == "/explain":
        return json_answer(_explanation(world))
    if path == "/preview":
        return 200, "image/png", garment(224 if "view=" in request[1] else 28)
    if recorded := recordings.answer(request, world.numbers, world.alerts):
        return recorded
    answer: Answer = scripted(request)
    return answer


def _classification(world: World) -> dict[str, Any]:
    names = trainer_json.BUILT_IN
    shares = dict.fromkeys(names, 0.004) | {"Dress": 0.064, world.label: 0.9}
    return {
        "label": world.label,
        "idx": names.index(world.label),
        "confidence": 0.9,
        "probabilities": shares,
        "known": world.known,
        "familiarity": 0.5 if world.known else 0.01,
        "model": world.model["tag"] or TAG,
    }


def _explanation(world: World) -> dict[str, Any]:
    learned = [
        {
            "png": trainer_json.picture(label),
            "label": label,
            "correction": label == "Bag",
            "similarity": 0.9,
        }
        for label in ("Coat", "Shirt", "Bag", "Coat", "Shirt", "Bag")
    ]
    return {
        "answer": _classification(world),
        "picture": base64.b64encode(garment(28)).decode(),
        "importance": [[0.5 if 8 < row < 20 else 0.0] * 28 for row in range(28)],
        "nearest": learned,
        "detail": None,
    }


def garment(pixels: int) -> bytes:
    """A PNG of grey trousers on black."""
    picture = Image.new("L", (28, 28))
    legs = [(8, 2), (20, 2), (22, 26), (16, 26), (14, 10), (12, 26), (6, 26)]
    ImageDraw.Draw(picture).polygon(legs, fill=190, outline=120)
    png = io.BytesIO()
    picture.resize((pixels, pixels)).save(png, "PNG")
    return png.getvalue()
