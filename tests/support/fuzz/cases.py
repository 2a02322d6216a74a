"""Mutated requests: which call, with which path, query, headers and body.

`Fuzzer.case(index)` is always the same for a seed, up to the names of stored versions, which a
state folder has of its own.
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.fuzz import archives, pictures
from tests.support.fuzz.forms import Part, form
from tests.support.fuzz.values import CLASS_NAMES, NUMBERS, mutate_bytes, mutate_json, text

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get")
IMAGE_TYPES = ("image/png", "image/jpeg", "image/*", "image/tiff", "image/svg+xml")
CONTENT_TYPES = (
    *IMAGE_TYPES,
    "application/json",
    "application/x-npy",
    "application/zip",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "application/vnd.bentoml+pickle",
    "text/plain",
    "text/html; charset=utf-7",
    "multipart/form-data",
    "",
    "/",
    "a" * 2_000,
)
BODIES: dict[str, dict[str, Any]] = {
    "start_run": {"recipe": "no-such-recipe", "epochs": 1, "seed": 1, "corrections": False},
    "promote": {"reason": "better"},
    "set_shadow": {"version": "{version}", "share": 0.5},
    "change_correction": {"label": "Bag"},
    "add_class": {"name": "Hat"},
    "change_class": {"name": "Cap"},
    "undo_class_change": {"change": 1},
}
"""A valid body of each call that takes JSON; the one of start_run names no recipe, as thousands of
runs would be started."""

LIES = ("too-long", "too-short", "bad-chunks", "no-length")
"""Ways to announce a body wrongly: such a request need not be answered."""


@dataclass(frozen=True)
class Operation:
    """A call of an OpenAPI document."""

    service: str
    method: str
    path: str
    name: str
    parameters: tuple[dict[str, Any], ...]
    content_types: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What a valid request can name: stored versions and runs, ids of corrections."""

    versions: tuple[str, ...] = ("none",)
    runs: tuple[str, ...] = ("none",)
    corrections: tuple[int, ...] = (1,)


@dataclass
class Case:
    """A request as it goes over the wire. `framing` is "length", "chunked" or one of LIES."""

    index: int
    service: str
    operation: str
    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    framing: str = "length"

    def __str__(self) -> str:
        kind = dict(self.headers).get("Content-Type", "no content type")
        return (
            f"{self.index}: {self.service} {self.method[:12]} {self.target[:60]!r}, {kind[:40]}, "
            f"{len(self.body):,} bytes, {self.framing}"
        )


def operations(service: str, document: dict[str, Any]) -> list[Operation]:
    """The calls of an OpenAPI document."""
    return [
        Operation(
            service,
            method.upper(),
            path,
            call.get("operationId") or path.strip("/"),
            tuple(call.get("parameters", ())),
            tuple(call.get("requestBody", {}).get("content", ())),
        )
        for path, calls in document["paths"].items()
        for method, call in calls.items()
    ]


class Fuzzer:
    """Makes cases from a seed. `large` allows pictures of 49 megapixels."""

    def __init__(
        self, calls: Sequence[Operation], known: Known, seed: int, *, large: bool = True
    ) -> None:
        self._with_body = [call for call in calls if call.content_types]
        self._all = list(calls)
        self._known = known
        self._seed = seed
        self._large = large

    def case(self, index: int) -> Case:
        """The request with this number."""
        random = Random(f"{self._seed}:{index}")
        call = random.choice(self._with_body if random.random() < 0.8 else self._all)
        case = Case(index, call.service, call.name, call.method, self._target(call, random))
        if call.content_types:
            self._fill(case, call, random)
        self._change(case, random)
        return case

    def _target(self, call: Operation, random: Random) -> str:
        path, query = call.path, {}
        for parameter in call.parameters:
            name = parameter["name"]
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", self._path_value(name, random))
            elif random.random() < 0.7:
                query[name] = str(random.choice((text(random), random.choice(NUMBERS), 1, "new")))
        if random.random() < 0.03:
            query[text(random)] = text(random)
        if random.random() < 0.04:
            path += random.choice(("/", "//", "/..", "%2f", "/x" * 50, ";a=b", "/" + "y" * 3_000))
        written = urlencode(query, errors="surrogatepass")
        return f"{path}?{written}" if query else path

    def _path_value(self, name: str, random: Random) -> str:
        if random.random() < 0.4:
            odd = random.choice((text(random), str(random.choice(NUMBERS))))
            return quote(odd, safe=random.choice(("", "/")), errors="surrogatepass")
        values: dict[str, Sequence[object]] = {
            "run_id": self._known.runs,
            "version": self._known.versions,
            "id": self._known.corrections,
            "name": CLASS_NAMES,
        }
        return quote(str(random.choice(values.get(name) or ("1",))), safe="")

    def _fill(self, case: Case, call: Operation, random: Random) -> None:
        kind = random.choice(call.content_types)
        match kind:
            case "image/*":
                kind = random.choice(IMAGE_TYPES)
                case.body = pictures.picture(random, large=self._large)
            case "application/x-npy":
                case.body = archives.array(random)
            case "application/zip":
                case.body = archives.archive(random)
            case "application/json":
                valid = dict(BODIES[call.name])
                if "version" in valid:
                    valid["version"] = random.choice(self._known.versions)
                if call.name in ("add_class", "change_class"):
                    field = "merge_into" if random.random() < 0.2 else "name"
                    valid = {field: random.choice(CLASS_NAMES)}
                if call.name == "undo_class_change":
                    valid["change"] = random.randrange(1, 20)
                names = list(BODIES[call.name])
                case.body = mutate_json(valid, names, random)
            case "multipart/form-data":
                kind, case.body = form(self._parts(call, random), random)
            case _:
                raise AssertionError(f"{call.name} takes {kind}: say how to make one")
        case.headers.append(("Content-Type", kind))

    def _parts(self, call: Operation, random: Random) -> list[Part]:
        """The fields of a valid form, around a picture or archive that is mutated."""
        if call.name == "import_corrections":
            return [Part("archive", archives.archive(random), "a.zip", "application/zip")]
        if call.name == "classify_many":
            count = random.choice((1, 2, 5))
            return [
                Part("images", pictures.picture(random, large=self._large), f"{number}.png")
                for number in range(count)
            ]
        parts = [Part("image", pictures.picture(random, large=self._large), "a.png", "image/png")]
        if call.name == "keep_correction":
            for name in ("label", "predicted", "model", "source"):
                value = random.choice(("Bag", "Hat", "Dress", "pad", "upload", text(random)))
                parts.append(Part(name, value.encode("utf-8", "surrogatepass")))
        return parts

    def _change(self, case: Case, random: Random) -> None:
        """Changes what is around the body: method, content type, encoding, framing, headers."""
        if random.random() < 0.04:
            case.method = random.choice(METHODS)
        if random.random() < 0.08:
            case.headers = [("Content-Type", random.choice(CONTENT_TYPES))]
        if random.random() < 0.02:
            case.headers.clear()
        if random.random() < 0.02:
            case.body = random.choice((b"", bytes(100), mutate_bytes(case.body, random)))
        if random.random() < 0.03:
            coding = random.choice(("gzip", "deflate", "br", "identity", "x"))
            case.headers.append(("Content-Encoding", coding))
            case.body = gzip.compress(case.body, 1) if coding == "gzip" else case.body
        if random.random() < 0.2:
            case.framing = "chunked"
        elif random.random() < 0.04:
            case.framing = random.choice(LIES)
        if random.random() < 0.15:
            case.headers.append(_odd_header(random))


def _odd_header(random: Random) -> tuple[str, str]:
    return random.choice(
        (
            ("Accept", random.choice(("*/*", "image/png", "application/json;q=0", "x", ""))),
            ("Accept-Encoding", random.choice(("gzip", "br;q=1", "identity;q=0, *;q=0"))),
            ("Connection", random.choice(("close", "keep-alive", "Upgrade, HTTP2-Settings"))),
            ("Upgrade", random.choice(("h2c", "websocket", "TLS/1.0"))),
            ("Expect", random.choice(("100-continue", "x"))),
            ("Range", random.choice(("bytes=0-", "bytes=9-1", "x"))),
            ("If-None-Match", random.choice(("*", '"x"'))),
            ("Origin", random.choice(("null", "http://evil.example", "http://127.0.0.1:1"))),
            ("Sec-Fetch-Site", random.choice(("cross-site", "same-origin", "none"))),
            (
                "Authorization",
                random.choice(("Bearer ", "Bearer x", "Basic eDp5", "ü", "x" * 5_000)),
            ),
            ("Wardrobe-User", random.choice(("%ff", "%00", "a" * 400, "%ED%A0%80", "Ann"))),
            ("X-Forwarded-For", random.choice(("8.8.8.8", "::1", "x"))),
            ("Cookie", "a=" + "b" * random.choice((10, 6_000))),
            ("traceparent", random.choice(("00-0-0-00", "x"))),
            ("bentoml-payload-x", random.choice(("1", "{}"))),
        )
    )
