"""The Retrain page on a scripted trainer."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app import trainer_json
from tests.support.app.pages import (
    FINETUNE,
    OWN_PICTURES,
    READY,
    RECIPES,
    answer_also,
    open_page,
    run_json,
    script_services,
)
from tests.support.scripted_server import ScriptedServer


@pytest.fixture
def retrain(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open the page with a trainer with these corrections, versions and last run.

    `more` are other answers of both services, by the last part of the path.
    """

    def open_retrain(
        *versions: dict[str, Any],
        run: dict[str, Any] | None = None,
        own: dict[str, int] | None = None,
        more: dict[str, Any] | None = None,
        **counts: int,
    ) -> AppTest:
        script_services(
            scripted,
            monkeypatch,
            run or run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00"),
            READY,
            versions or [trainer_json.version("x1", "champion")],
            recipes={"recipes": [*RECIPES, FINETUNE, OWN_PICTURES]},
            classes=trainer_json.classes(own),
            corrections=trainer_json.corrections(**counts),
        )
        answer_also(scripted, **(more or {}))
        return open_page("retrain")

    return open_retrain
