"""The page's texts in the visitor's language, from gettext catalogues.

Texts in the code are English. A catalogue is one file, `app/locale/<language>.po`; a text that it
lacks stays English. `make texts` collects the texts of the code into every catalogue.
"""

import gettext
import io
from functools import cache
from pathlib import Path

import streamlit as st
from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from streamlit.runtime.scriptrunner import get_script_run_ctx

LOCALES = Path(__file__).parent.parent / "locale"
ENGLISH = "en"

COOKIE = "wardrobe_language"
"""Where the browser keeps the language that its visitor chose."""

_CHOSEN_KEY = "language"


def languages() -> dict[str, str]:
    """Return the codes of the languages that have a catalogue, English first, and their names."""
    return {code: str(Locale.parse(code).display_name) for code in _codes()}


def language() -> str:
    """Return the visitor's language, English in a thread without a visitor.

    The first of these that has a catalogue: the one chosen on the page, `?lang=` in the address,
    the one chosen at an earlier visit, the browser's.
    """
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    if chosen := st.session_state.get(_CHOSEN_KEY):
        return str(chosen)
    wanted = (st.query_params.get("lang"), st.context.cookies.get(COOKIE), st.context.locale)
    known = (_short(code) for code in wanted if code)
    return next((code for code in known if code in _codes()), ENGLISH)


def choose(code: str) -> None:
    """Show the page in this language until the end of the visit."""
    st.session_state[_CHOSEN_KEY] = code


def _(message: str) -> str:
    """Translate a text. Fill in values afterwards: `_("Saved as {name}.").format(name=name)`."""
    return _catalogue(language()).gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    """Translate a text that depends on a count; fill in the values afterwards."""
    return _catalogue(language()).ngettext(singular, plural, count)


def N_(message: str) -> str:  # noqa: N802 - gettext's name for it
    """Mark a text of a constant for the catalogues. Translate it by `_` where it is shown."""
    return message


def ngettext_noop(singular: str, plural: str) -> tuple[str, str]:
    """Mark a constant text that depends on a count. `ngettext` translates it where it is shown."""
    return singular, plural


def _short(code: str) -> str:
    """`ko-KR` -> `ko`."""
    return code.replace("_", "-").partition("-")[0].lower()


@cache
def _codes() -> tuple[str, ...]:
    return (ENGLISH, *sorted(path.stem for path in LOCALES.glob("*.po")))


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    if code == ENGLISH:
        return gettext.NullTranslations()
    with (LOCALES / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
