"""The app's pages in tests: open them with Streamlit's runner, script their services, read them."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app import trainer_json
from tests.support.processes import ROOT
from tests.support.scripted_server import Request, ScriptedServer, json_answer

TAG = "fashion_mnist_model:abc"
RECIPES = [
    {"name": name, "summary": "…", "network": "mlp", "epochs": epochs, "default": epochs == 12}
    for name, epochs in (("reference", 10), ("quick", 5), ("standard", 12), ("best", 30))
]
FINETUNE = {
    **RECIPES[0],
    "name": "finetune",
    "summary": "Update the live model with your corrections",
    "epochs": 4,
    "from_champion": True,
}
OWN_PICTURES = {**RECIPES[0], "name": "own", "summary": "Only your own pictures, from nothing"}
NO_CORRECTIONS: dict[str, Any] = {
    "corrections": [],
    "next": None,
    "counts": {"new": 0, "accepted": 0, "conflict": 0, "quarantined": 0, "review_requested": 0},
}
NO_SHADOW = {"version": None, "share": None, "since": None, "workers": 0, "reason": None}
NO_MODEL: dict[str, Any] = {"tag": None, "metadata": {}, "workers": [], "serving": {}}
READY = {"tag": TAG, "metadata": {"accuracy": 0.9}, "workers": [], "serving": {TAG: 2}}
LOADING = {**READY, "serving": {}}


def serving(version: str) -> dict[str, Any]:
    """Return what the classifier answers while two workers serve a version."""
    tag = f"fashion_mnist_model:{version}"
    return {**READY, "tag": tag, "serving": {tag: 2}}


def open_page(path: str = "", **query: str) -> AppTest:
    """Run the page of one view as for a visitor, with the query parameters of its URL."""
    at = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=30)
    if path:
        at.run()
        for name, value in query.items():
            at.query_params[name] = value
        at.switch_page(f"views/{path}.py")
    at.run()
    assert not at.exception
    return at


def open_details(version: str, part: str = "") -> AppTest:
    """Run the Models page with the details of one version open: the first tab, or `part`."""
    at = open_page("models")
    at.session_state[f"details_{version}"] = True
    if part:
        at.session_state[f"part_{version}"] = part
    at.run()
    assert not at.exception
    return at


def page_text(at: AppTest) -> str:
    """Return all text of the page."""
    elements = [*at.title, *at.markdown, *at.error, *at.warning, *at.info, *at.success, *at.toast]
    html = [element.proto.body for element in at.get("html")]
    return "\n".join([*(element.value for element in elements), *html]).replace("\\", "")


def links(at: AppTest) -> dict[str, str]:
    """Return the page and query of each link, by its label."""
    protos = [element.proto for element in at.get("page_link")]
    return {proto.label: f"{proto.page}?{proto.query_string}" for proto in protos}


def charts(at: AppTest) -> dict[str, Any]:
    """Return the figure of each chart, by its title."""
    found = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    return {one["title"]: json.loads(one["figure"]) for one in found if "title" in one}


def uploaded_rows(at: AppTest) -> list[dict[str, Any]]:
    """Return the rows of the table of uploaded pictures."""
    found = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    return next(one["rows"] for one in found if {"rows", "class_names"} <= one.keys())


def run_json(state: str, **more: Any) -> dict[str, Any]:
    """Return a run in the trainer's JSON."""
    return {
        "run_id": "r1",
        "state": state,
        "config": {"recipe": "quick", "epochs": 5, "seed": 0},
        "created_at": "2026-01-02T03:04:05+00:00",
        "started_at": "2026-01-02T03:04:06+00:00",
        "ended_at": None,
        "progress": 0.42,
        "phase": "training",
        "eta_seconds": 75.0,
        "epochs": [],
        "result": None,
        "error": None,
        "resumable": False,
        **more,
    }


def epoch_json(number: int) -> dict[str, float]:
    """Return an epoch in the trainer's JSON."""
    return {
        "epoch": number,
        "loss": 0.5,
        "accuracy": 0.8,
        "validation_loss": 0.4,
        "validation_accuracy": 0.85,
    }


def script_services(
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    run: dict[str, Any],
    model: Any,
    versions: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> None:
    """Script both services, for states in which real ones are only for a moment.

    `more` are other answers, by the last part of the path.
    """
    answers = {
        "/classes": trainer_json.classes(),
        "/corrections": NO_CORRECTIONS,
        "/model": model,
        "/recipes": {"recipes": RECIPES},
        "/runs": {"runs": [run]},
        "/runs/r1": run,
        "/runs/r1/events": {"events": [], "next": 0},
        "/shadow": NO_SHADOW,
        **{f"/{name}": answer for name, answer in more.items()},
    }

    def answer(request: Request) -> tuple[int, str, bytes]:
        path = request[1].partition("?")[0]
        if path.endswith("/promote"):
            return json_answer({"tag": path.split("/")[2], "workers": 2, "seconds": 0.2})
        if request[0] == "POST":
            return json_answer({"run_id": "r2"}, 201)
        if path.endswith("/report"):
            path = "/report"
        if path == "/models":
            return json_answer(_page_of_models(versions, request[1]))
        if path.startswith("/models/") and path != "/models/numbers":
            name = path.split("/")[2].removeprefix("fashion_mnist_model%3A").removeprefix("v")
            wanted = [it for it in versions if name in (it["version"], str(it.get("number")))]
            return json_answer(wanted[0]) if wanted else json_answer({"error": "No version."}, 404)
        if path not in answers:
            return json_answer({"error": f"There is no {path}."}, 404)
        return json_answer(answers[path])

    server.answer = answer
    monkeypatch.setenv("CLASSIFIER_URL", server.url)
    monkeypatch.setenv("TRAINER_URL", server.url)


def answer_also(server: ScriptedServer, **scripted: Any) -> None:
    """Give these answers too, whatever the method, by the last part of the path."""
    others = server.answer

    def answer(request: Request) -> tuple[int, str, bytes]:
        name = request[1].partition("?")[0].rpartition("/")[2]
        return json_answer(scripted[name]) if name in scripted else others(request)

    server.answer = answer


def _page_of_models(versions: Sequence[dict[str, Any]], path: str) -> dict[str, Any]:
    """Return what `GET /models` answers, with the offset and limit in the path."""
    query = parse_qs(urlsplit(path).query)
    offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["1000"])[0])
    champion = next((it["tag"] for it in versions if it["champion"]), None)
    page = list(versions)[offset : offset + limit]
    return {"champion": champion, "error": None, "total": len(versions), "models": page}


def posted(server: ScriptedServer) -> list[tuple[str, Any]]:
    """Return the path and JSON of each POST request."""
    return [
        (path, json.loads(body or b"null")) for verb, path, body in server.seen if verb == "POST"
    ]


def finished(gate: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """Return a run that made x2 while x1 was live."""
    ended = {"ended_at": "2026-01-02T03:05:06+00:00", "gate": gate}
    return run_json("succeeded", **{"result": trainer_json.result(), **ended, **more})
