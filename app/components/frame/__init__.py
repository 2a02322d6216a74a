"""What each page has: the choice of a language, and a phone's menu that closes after a choice.

`language_menu()` mounts it. What comes back from a browser is untrusted: only languages that have a
catalogue count.
"""

from typing import Any

import streamlit as st

from app.components.registration import register
from app.text import translate
from app.text.translate import _

_KEY = "language_menu"

_mount = register(__file__)


def language_menu(page: str) -> None:
    """Mount the choice of a language. A new one shows the whole page in it.

    `page` is the page's path in the address, "" for the first one.
    """
    translate.choose(translate.language())  # the address and the browser count once a visit
    data = {
        "label": _("Language"),
        "language": translate.language(),
        "languages": translate.languages(),
        "cookie": translate.COOKIE,
        "page": page,
    }
    _mount(key=_KEY, data=data, on_language_change=_choose)


def _choose() -> None:
    sent: Any = st.session_state[_KEY].get("language")
    if sent in translate.languages():
        translate.choose(sent)
