"""The visitor's language: chosen on the page, asked for by the address, or the browser's."""

import pytest
from streamlit.testing.v1 import AppTest

from app.text import translate
from tests.support.app.pages import READY, page_text, run_json, script_services
from tests.support.processes import ROOT
from tests.support.scripted_server import ScriptedServer


@pytest.fixture(autouse=True)
def services(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    script_services(scripted, monkeypatch, run_json("succeeded"), READY)


def opened(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def test_the_page_is_english_without_a_wish() -> None:
    assert "live on 2 workers" in page_text(opened())


def test_the_address_can_ask_for_a_language_and_a_page_switch_keeps_it() -> None:
    at = opened(lang="ko")
    assert "워커 2개에서 운영 중" in page_text(at)
    at.switch_page("views/classes.py").run()
    assert at.title[0].value == "클래스"


def test_a_choice_on_the_page_wins() -> None:
    at = opened(lang="ko")
    at.session_state["language"] = "en"
    assert "live on 2 workers" in page_text(at.run())


def test_a_language_without_a_catalogue_is_english() -> None:
    assert "live on 2 workers" in page_text(opened(lang="fr"))


def test_a_thread_without_a_visitor_speaks_english() -> None:
    assert translate._("Undo") == "Undo"
