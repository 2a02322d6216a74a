"""Every text that a page shows is one that the catalogues can translate.

The pages run in a language that puts each translated text into brackets. What stands outside of
them must be data: names of classes and versions, or sentences of the services.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from streamlit.testing.v1 import AppTest

from app.text import translate
from tests.app.conftest import scripted_server
from tests.support.app.texts import texts_of_the_code
from tests.support.processes import ROOT
from tests.support.scenes.scenes import SCENES, Scene
from tests.support.scenes.stage import SERVICES, Stage

LANGUAGE = "eo"
BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")
SHOWN_FIELDS = {"label", "body", "help", "placeholder", "options", "title", "caption", "value"}
"""The fields of Streamlit's elements that people see, or hear."""

FIGURE_TEXTS = {"text", "name", "ticktext", "hovertemplate", "customdata"}
"""Keys of a Plotly figure that hold what is shown."""

CODES = {
    "png",
    "picture",
    "plotly_url",
    "cookie",
    "language",
    "languages",
    "key",
    "page",
    "tone",
}
"""Keys of components' data that hold no text."""

WORD = re.compile(r"[A-Za-z]{2,}")
WITHOUT_ACTS = [scene for scene in SCENES if not scene.has_act]

MARKUP = re.compile(
    r"<style.*?</style>|<extra>.*?</extra>|<[^>]*>|&\w+;|%\{.*?\}|\\|:material/\w+:|:[a-z]+-badge(?=\[)",
    re.DOTALL,
)
DATA = re.compile(
    r"""
    PredictionDrift.*?something.*?moved|Check\ it\.|It\ looks\ like\ Shirt\.
    |Shirt\ is\ worse\ by.*?lose\ more\ than\ 3\.|No\ class\ is\ worse\ by.*?3\ points\.
    |T-shirt/top|Trouser|Pullover|Dress|Coat|Sandal|Shirt|Sneaker|Bag|Ankle\ boot|Hat
    |\b(reference|quick|standard|best|finetune|own|mlp|x1|x2|abc|p50|p95|p99|kB|MB|ms|UTC|upload_files|fashion_mnist_model)\b
    |English|Esperanto|esperanto|한국어
    """,
    re.VERBOSE,
)


@pytest.fixture
def brackets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let the pages be in a language whose texts are the English ones in brackets."""
    marked = Catalog(locale=LANGUAGE)
    for message in texts_of_the_code().values():
        both = (message,) if isinstance(message, str) else message
        is_date = both[0].startswith("d MMM y")  # letters in quotes are none of its fields
        texts = tuple(f"'⟦'{text}'⟧'" if is_date else f"⟦{text}⟧" for text in both)
        marked.add(message, texts[0] if len(texts) == 1 else texts)
    with (tmp_path / f"{LANGUAGE}.po").open("wb") as file:
        write_po(file, marked)
    monkeypatch.setattr(translate, "LOCALES", tmp_path)
    _forget_catalogues()
    yield
    monkeypatch.undo()
    _forget_catalogues()


def _forget_catalogues() -> None:
    translate._codes.cache_clear()
    translate._catalogue.cache_clear()


def shown_texts(at: AppTest) -> Iterator[str]:
    """Yield the texts of everything on the page, of charts and of our own components too."""
    for root in (at.main, at.sidebar):
        yield from _texts_below(root)


def _texts_below(node: Any) -> Iterator[str]:
    proto = getattr(node, "proto", None)
    if hasattr(proto, "ListFields"):
        yield from _texts_of(proto)
    for child in getattr(node, "children", {}).values():
        yield from _texts_below(child)


def _texts_of(proto: Any) -> Iterator[str]:
    """Yield the texts of a message of Streamlit's, and of the messages in it."""
    for field, value in proto.ListFields():
        for one in [value] if isinstance(value, str) else _each(value):
            if hasattr(one, "ListFields"):
                yield from _texts_of(one)
            elif isinstance(one, str) and field.name in SHOWN_FIELDS:
                yield one
            elif isinstance(one, str) and field.name == "json":
                yield from _texts_in(json.loads(one))


def _each(value: Any) -> list[Any]:
    if hasattr(value, "ListFields"):
        return [value]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, bytes) else []


def _texts_in(data: Any, key: str = "", *, is_figure: bool = False) -> Iterator[str]:
    """Yield the strings in a component's data; a figure is JSON in JSON."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name not in CODES:
                yield from _texts_in(value, name, is_figure=is_figure)
    elif isinstance(data, list):
        for value in data:
            yield from _texts_in(value, key, is_figure=is_figure)
    elif isinstance(data, str) and key == "figure":
        yield from _texts_in(json.loads(data), is_figure=True)
    elif isinstance(data, str) and (not is_figure or key in FIGURE_TEXTS):
        yield data


def outside(text: str) -> str:
    """Return what of a text no catalogue has: neither its markup nor data."""
    text = MARKUP.sub("", text)
    while BRACKETED.search(text):
        text = BRACKETED.sub(" ", text)
    return DATA.sub(" ", text)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with scripted_server() as classifier, scripted_server() as trainer, scripted_server() as other:
        servers = dict(zip(SERVICES, (classifier, trainer, other), strict=True))
        for name, server in servers.items():
            monkeypatch.setenv(f"{name.upper()}_URL", server.url)
        yield Stage(servers)


@pytest.mark.usefixtures("brackets")
@pytest.mark.parametrize("scene", WITHOUT_ACTS, ids=lambda scene: scene.name)
def test_no_text_is_outside_of_the_catalogues(scene: Scene, stage: Stage) -> None:
    stage.show(scene.world)
    at = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=30)
    at.session_state["language"] = LANGUAGE
    at.run()
    if scene.path:
        at.switch_page(f"views/{scene.path}.py").run()
    assert not at.exception
    left = {text: rest for text in shown_texts(at) if WORD.search(rest := outside(text))}
    assert left == {}
