"""Every text of every call: half characters, NULs and megabytes are refused, and what is stored
already takes no answer down."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import requests

from tests.support.processes import Home, Server, call
from tests.support.services.correction_calls import new_picture

POISONS = {"half a character": "\ud800", "NUL": "\x00", "escape": "a\x1b[2Jb", "1 MB": "x" * 10**6}
LONGEST_URL = 20_000


class TextField(NamedTuple):
    """A text that a call takes: where it stands, and its name; a path through nested objects."""

    method: str
    path: str
    place: str
    names: tuple[str, ...]


def text_fields(document: dict[str, Any]) -> Iterator[TextField]:
    """Every text of every call, from the OpenAPI document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", ()):
                if is_text(parameter["schema"], document):
                    yield TextField(method, path, parameter["in"], (parameter["name"],))
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                place = "json" if "json" in kind else "form"
                for names in texts_in(content["schema"], document):
                    yield TextField(method, path, place, names)


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema, and what it may be besides."""
    if "$ref" in schema:
        return resolved(document["components"]["schemas"][schema["$ref"].split("/")[-1]], document)
    parts = [*schema.get("anyOf", ()), *schema.get("allOf", ()), *schema.get("oneOf", ())]
    return [schema, *(it for part in parts for it in resolved(part, document))]


def is_text(schema: dict[str, Any], document: dict[str, Any]) -> bool:
    return any(
        it.get("type") == "string" and it.get("format") != "binary"
        for it in resolved(schema, document)
    )


def texts_in(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for one in resolved(schema, document):
        for name, inner in one.get("properties", {}).items():
            if is_text(inner, document):
                yield (name,)
            yield from ((name, *rest) for rest in texts_in(inner, document))


def send(server: Server, field: TextField, text: str) -> requests.Response:
    """The call with this text in the field. Other path parameters get a value of their own."""
    path = field.path
    if field.place == "path":
        it = quote(text[:LONGEST_URL].encode("utf-8", "surrogatepass"), safe="")
        path = path.replace(f"{{{field.names[0]}}}", it)
    path = path.replace("{version}", "unknown").replace("{run_id}", "0-0").replace("{id}", "1")
    path = path.replace("{name}", "unknown")
    if field.place == "query":
        it = quote(text[:LONGEST_URL].encode("utf-8", "surrogatepass"), safe="")
        return call(field.method, server.url, f"{path}?{field.names[0]}={it}")
    if field.place == "form":
        data = {"label": "Bag", field.names[0]: text.encode("utf-8", "surrogatepass")}
        return call(
            field.method, server.url, path, data=data, files={"image": ("a.png", new_picture())}
        )
    if field.place == "json":
        body: Any = text
        for name in reversed(field.names):
            body = {name: body}
        return call(field.method, server.url, path, json=body)
    return call(field.method, server.url, path)


def test_every_text_is_checked(keeper: Server) -> None:
    fields = list(text_fields(keeper.get("/docs.json")))
    places = {(it.place, it.names[-1]) for it in fields}
    assert {
        ("json", "reason"),
        ("json", "resume"),
        ("json", "version"),
        ("json", "label"),
        ("form", "source"),
        ("query", "label"),
        ("path", "run_id"),
        ("path", "version"),
    } <= places
    before = keeper.get("/corrections")["counts"]
    for field in fields:
        for name, poison in POISONS.items():
            answer = send(keeper, field, poison)
            where = (field, name, answer.status_code, answer.text[:200])
            if field.place in ("query", "path") and name == "half a character":
                assert answer.status_code < 500, where  # in a URL it is no character at all
                continue
            assert answer.status_code in (400, 404, 413), where
            assert len(answer.json()["error"]) < 500, where
    assert keeper.get("/corrections")["counts"] == before
    assert keeper.get("/runs") == {"runs": []}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"epochs": NaN}', "NaN"),
        (b'{"epochs": Infinity}', "Infinity"),
        (b'{"epochs": 1e999}', "'epochs'"),
        (b'{"epochs": 1e3}', "'epochs'"),
        (b'{"epochs": ' + b"9" * 4_000 + b"}", "'epochs'"),
        (b'{"epochs": ' + b"9" * 5_000 + b"}", "too long"),
        (b'{"epochs": "3"}', "'epochs'"),
        (b'{"epochs": true}', "'epochs'"),
        (b'{"epochs": [3]}', "'epochs'"),
        (b'{"epochs": 1, "epochs": 2}', "'epochs' is there twice"),
        (b'{"a": {"b": 1, "b": 2}}', "'b' is there twice"),
        (b"[" * 90_000, "nested too deeply"),
        (b'{"recipe": ' + b"[" * 60 + b"]" * 60 + b"}", "nested too deeply"),
        (b'{"recipe": {"a": ["\\ud800"]}}', "half a character"),
        (b'{"\\ud800": 1}', "half a character"),
        (b'{"\\u0000": 1}', "control character (U+0000)"),
        (b'{"' + b"x" * 9_000 + b'": 1}', "There is no field"),
        (b'{"recipe": "\xff"}', "not UTF-8"),
        (b'{"recipe": "\xed\xa0\x80"}', "half a character"),
        (b"{" + b",".join(b'"f%d": 1' % n for n in range(9_000)) + b"}", "There is no field"),
        (b"3", "JSON object"),
        (b'"reason"', "JSON object"),
        (b" " * 100_001, "larger than"),
    ],
    ids=lambda it: it[:20] if isinstance(it, bytes) else "",
)
def test_odd_json_is_refused_with_a_sentence(keeper: Server, body: bytes, words: str) -> None:
    answer = call("POST", keeper.url, "/runs", data=body)
    assert answer.status_code == (413 if len(body) > 100_000 else 400), answer.text[:300]
    assert words in answer.json()["error"]
    assert len(answer.json()["error"]) < 500


def test_what_was_stored_before_takes_no_answer_down(own_home: Home, keeper: Server) -> None:
    champion = (own_home.path / "champion").read_text().strip()
    line = {
        "time": "2026-11-28T01:00:00.000+00:00",
        "tag": champion,
        "previous": None,
        "by": "person",
        "reason": "half \ud800 of it",
    }
    (own_home.path / "promotions.jsonl").write_text(json.dumps(line) + "\n")
    run = own_home.path / "runs" / "20261128-010000-000-abcd"
    run.mkdir(parents=True)
    (run / "run.json").write_text(
        json.dumps(
            {
                "run_id": run.name,
                "state": "failed",
                "config": {"recipe": "\udfff", "seed": float("inf")},
                "created_at": "2026-11-28T01:00:00.000+00:00",
                "loss": float("nan"),
                "error": "It ended \ud83d.",
            }
        )
    )
    event = {"type": "step", "loss": float("nan"), "phase": "\ud800"}
    (run / "events.jsonl").write_text(json.dumps(event) + "\n")

    [version] = keeper.get("/models")["models"]
    assert version["promotions"][-1]["reason"] == "half ? of it"
    [listed] = keeper.get("/runs")["runs"]
    assert (listed["error"], listed["loss"]) == ("It ended ?.", None)
    assert keeper.get(f"/runs/{run.name}")["config"] == {"recipe": "?", "seed": None}
    [first] = keeper.get(f"/runs/{run.name}/events")["events"]
    assert (first["loss"], first["phase"]) == (None, "?")
