"""Keeps answers by service, operation, status and name, and makes them the same each time."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.support.processes import ROOT

Call = tuple[str, str, str]
"""An operation's id, a status and an example's name."""
Examples = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""By operation, status, media type and name."""

UNKNOWN_RUN = "20261123-000000-000-0000"
SNEAKER = (ROOT / "docs" / "sneaker.png").read_bytes()
BAG = (ROOT / "docs" / "bag.png").read_bytes()
PNG = {"Content-Type": "image/png"}
FORM = {"Content-Type": "multipart/form-data"}

_RUN = re.compile(r"\d{8}-\d{6}-\d{3}-(?!0000)[0-9a-f]{4}")
_VERSION = re.compile(r"(fashion_mnist_model:)[a-z0-9]{15,16}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")
_WAIT = re.compile(r"in \d+ seconds")
_STORE = re.compile(r"[^ ]*/corrections\.db")
_FIXED = {
    "version": "ovzhcuxhbobacax4",
    "pid": 4242,
    "author": "ada",
    "git_revision": "0123456789abcdef0123456789abcdef01234567",
    "worker": "wardrobe-4242",
    "seconds": 2.5,
    "duration_seconds": 2.5,
    "eta_seconds": 12.5,
    "size_bytes": 415_000,
}
"""Values that differ from machine to machine or from run to run, unless they are null."""
_SHORT = {"events": 0, "models": 2, "runs": 2, "better": 1, "worse": 1, "learning_curves": 1}
"""How much of a long list is shown; 0: the first of each type."""


@dataclass
class Recorder:
    """Every answer so far."""

    answers: dict[tuple[str, Call], requests.Response] = field(default_factory=dict)

    def note(self, service: str, *call: str) -> Callable[[requests.Response], None]:
        """What keeps an answer of an operation, with a status, under a name."""
        operation, status, name = call

        def keep(response: requests.Response) -> None:
            assert response.status_code == int(status), (call, response.status_code, response.text)
            self.answers[service, (operation, status, name)] = response

        return keep

    def examples(self, service: str) -> Examples:
        """What a service answered: JSON and text, without what differs each time."""
        found: Examples = {}
        for (answered, (operation, status, name)), response in sorted(self.answers.items()):
            media_type = response.headers.get("content-type", "").partition(";")[0]
            if answered == service and media_type in ("application/json", "text/plain"):
                is_json = media_type == "application/json"
                value = stable(response.json() if is_json else excerpt(response.text))
                by_status = found.setdefault(operation, {}).setdefault(status, {})
                by_status.setdefault(media_type, {})[name] = value
        return found


def flattened(examples: Examples) -> Iterator[tuple[Call, str, Any]]:
    """Each example: its call, media type and value."""
    for operation, statuses in examples.items():
        for status, media_types in statuses.items():
            for media_type, values in media_types.items():
                for name, value in values.items():
                    yield (operation, status, name), media_type, value


def stable(value: Any, key: str = "") -> Any:
    """A JSON value with fixed names, times and durations, and with short lists."""
    if value is not None and key in _FIXED:
        return _FIXED[key]
    if isinstance(value, dict):
        return {_stable_text(name): stable(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [stable(item) for item in _shortened(value, key)]
    if isinstance(value, float):
        return round(value, 4)
    return _stable_text(value) if isinstance(value, str) else value


def excerpt(text: str) -> str:
    """Of our metrics and BentoML's count of requests, the description and one sample each.

    Another text stays as it is.
    """
    if not text.startswith("# HELP"):
        return text
    families = [
        "".join(family.splitlines(keepends=True)[:3])
        for family in re.split(r"(?m)^(?=# HELP )", text)
        if re.match(r"# HELP (wardrobe_|bentoml_service_request_total)", family)
    ]
    return "".join(sorted(families))


def _stable_text(text: str) -> str:
    text = _STORE.sub("/srv/wardrobe/.wardrobe/corrections.db", text)
    text = _WAIT.sub("in 42 seconds", text)
    text = _VERSION.sub(r"\1ovzhcuxhbobacax4", text)
    text = _TIME.sub("2026-11-24T08:00:00.000+00:00", text)
    return _RUN.sub("20261123-070600-799-8af7", text)


def _shortened(values: list[Any], key: str) -> list[Any]:
    if key not in _SHORT:
        return values
    if _SHORT[key]:
        return values[: _SHORT[key]]
    return list({value["type"]: value for value in reversed(values)}.values())[::-1]
