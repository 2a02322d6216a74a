"""The catalogues of the page's languages: complete, and fit for the code's texts."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tests.support.app.texts import catalogue, catalogues, translations, updated

CATALOGUES = list(catalogues())


def singular_of(message: Message) -> str:
    return message.id if isinstance(message.id, str) else str(message.id[0])


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{.*?\}", text))


def test_there_is_korean() -> None:
    assert "ko" in {path.stem for path in CATALOGUES}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_has_exactly_the_texts_of_the_code(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == updated(path), "run make texts"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_every_text_is_translated(path: Path) -> None:
    texts = [one for one in catalogue(path) if one.id]
    assert [singular_of(one) for one in texts if not all(translations(one))] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_translations_keep_the_places_for_values(path: Path) -> None:
    for message in catalogue(path):
        ids = (message.id,) if isinstance(message.id, str) else message.id
        allowed = set[str]().union(*map(placeholders, ids))
        for translated in translations(message):
            used = placeholders(translated)
            assert used == allowed or (len(ids) > 1 and used < allowed), translated
