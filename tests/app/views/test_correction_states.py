"""The Corrections page with scripted services: empty, filtered by a link, unreadable answers."""

from typing import Any

import pytest

from app.text.correction_states import STATES
from tests.support.app.pages import NO_CORRECTIONS, READY, open_page, page_text
from tests.support.scripted_server import Request, ScriptedServer, json_answer

A_BAG = NO_CORRECTIONS | {
    "corrections": [
        {
            "id": 1,
            "label": "Bag",
            "predicted": "Shirt",
            "model": None,
            "source": "pad",
            "created_at": "2026-01-02T03:04:05+00:00",
            "state": "new",
            "reason": None,
            "held_out": False,
            "png": "",
        }
    ]
}


def script_store(server: ScriptedServer, patch: pytest.MonkeyPatch, page: dict[str, Any]) -> None:
    def answer(request: Request) -> tuple[int, str, bytes]:
        return json_answer(READY if request[1] == "/model" else page)

    server.answer = answer
    patch.setenv("CLASSIFIER_URL", server.url)
    patch.setenv("TRAINER_URL", server.url)


def asked_for_corrections(server: ScriptedServer) -> str:
    """The last request for a page of corrections: its path and query."""
    paths = [path for _, path, *_ in server.seen]
    return next(path for path in reversed(paths) if path.startswith("/corrections?"))


def test_an_empty_store_says_where_to_start(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_store(scripted, monkeypatch, NO_CORRECTIONS)
    assert "No corrections yet" in page_text(open_page("corrections"))


@pytest.mark.parametrize("name", list(STATES))
def test_each_state_can_be_selected_and_is_explained(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    script_store(scripted, monkeypatch, A_BAG | {"counts": NO_CORRECTIONS["counts"] | {name: 1}})
    at = open_page("corrections", state=name)
    assert STATES[name].meaning in [caption.value for caption in at.caption]
    assert f"state={name}&" in asked_for_corrections(scripted)


def test_a_state_that_does_not_exist_shows_all(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_store(scripted, monkeypatch, NO_CORRECTIONS)
    open_page("corrections", state="lost")
    assert "state=" not in asked_for_corrections(scripted)


def test_an_unreadable_answer_is_reported(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_store(scripted, monkeypatch, {"corrections": None})
    assert "an answer this page does not understand" in page_text(open_page("corrections"))
