"""The page's texts, collected from its code into the catalogues: `make texts`."""

import ast
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from app.text.translate import LOCALES
from tests.support.processes import ROOT

_MARKERS = {"_": 1, "N_": 1, "ngettext": 2, "ngettext_noop": 2}
"""The functions that mark texts, and how many of their arguments are texts."""

_HEADER = """\
# The page's texts in this language. Translate each msgstr, and keep what stands in {{braces}}.
# `make texts` adds new texts of the code with an empty msgstr, and removes those that are gone.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: {language}\\n"
"Plural-Forms: {plural_forms}\\n"

"""


def texts_of_the_code() -> dict[str, str | tuple[str, str]]:
    """Return every text of app/ that is marked for translation, by its singular.

    It reads the syntax tree: Babel's extraction misses what stands inside an f-string.
    """
    found: dict[str, str | tuple[str, str]] = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            texts = _marked(node, path)
            if len(texts) == 2:
                found[texts[0]] = (texts[0], texts[1])
            elif texts:
                found.setdefault(texts[0], texts[0])
    return found


def _marked(node: ast.AST, path: Path) -> list[str]:
    """Return the texts of a call that marks some. Raises ValueError for one that is an f-string."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return []
    arguments = node.args[: _MARKERS.get(node.func.id, 0)]
    if any(isinstance(one, ast.JoinedStr) for one in arguments):
        raise ValueError(f"{path}:{node.lineno}: fill in values after the translation, by .format")
    constants = [one.value for one in arguments if isinstance(one, ast.Constant)]
    return [value for value in constants if isinstance(value, str)]


def catalogue(path: Path) -> Catalog:
    """Read the catalogue of a language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def translations(message: Message) -> tuple[str, ...]:
    """Return the translations of a text: one for each plural form, "" where there is none."""
    texts = message.string or ""
    return (texts,) if isinstance(texts, str) else tuple(texts)


def updated(path: Path) -> str:
    """Return the catalogue with exactly the texts of the code, and its translations of them."""
    old, new = catalogue(path), Catalog(locale=path.stem)
    for singular, message in texts_of_the_code().items():
        known = old.get(singular)
        same_kind = known is not None and known.pluralizable == isinstance(message, tuple)
        translated = known.string if known is not None and same_kind else None
        new.add(message, translated)
    written = io.BytesIO()
    write_po(written, new, omit_header=True, sort_output=True, width=100)
    header = _HEADER.format(language=path.stem, plural_forms=old.plural_forms)
    return header + written.getvalue().decode()


def catalogues() -> Iterator[Path]:
    """Yield the file of each language besides English."""
    yield from sorted(LOCALES.glob("*.po"))


if __name__ == "__main__":
    for path in catalogues():
        path.write_text(updated(path), encoding="utf-8")
        empty = [text.id for text in catalogue(path) if text.id and not all(translations(text))]
        print(f"{path.relative_to(ROOT)}: {len(empty)} texts to translate")
