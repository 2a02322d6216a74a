"""A run in the background: the page goes on as if there were none, and says how far it is."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app import trainer_json
from tests.support.app.pages import (
    READY,
    finished,
    open_page,
    page_text,
    posted,
    run_json,
    script_services,
)
from tests.support.scripted_server import ScriptedServer

NOTE = "A more accurate model trains in the background: 42 %. It makes way for your own runs."


@pytest.fixture
def at(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The Retrain page beside a run in the background, and after one that a person started."""
    background = run_json("running", run_id="r2", background=True, actor="first start")
    person = finished(None)
    versions = [trainer_json.version("x1", "champion")]
    script_services(
        scripted,
        monkeypatch,
        person,
        READY,
        versions,
        runs={"runs": [background, person]},
        **{"runs/r2": background},
    )
    return open_page("retrain")


def test_beside_a_run_in_the_background_a_person_can_train(at: AppTest) -> None:
    assert NOTE in [caption.value for caption in at.caption]
    assert "Latest run" in [header.value for header in at.header]
    assert not at.button(key="train").disabled
    assert "Another run is in progress" not in page_text(at)


def test_it_can_be_cancelled(at: AppTest, scripted: ScriptedServer) -> None:
    at.button(key="cancel_background").click().run()
    assert [path for path, _ in posted(scripted)] == ["/runs/r2/cancel"]
