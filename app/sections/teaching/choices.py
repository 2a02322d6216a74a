"""The classes that a person can choose from: those of the live version, and those still to come."""

from collections.abc import Iterable, Sequence

import streamlit as st

from app.clients import classes
from app.clients.classes import Classes, ListedClass
from app.clients.http import ServiceError

WAIT_SECONDS = 2.0
"""For the list of classes: a page that waits longer than this shows what it knows."""

_LISTED_KEY = "classes"
_LAST_KEY = "last_taught"


def refresh() -> None:
    """Ask the trainer for the list of classes. What was known stays if it does not answer."""
    try:
        st.session_state[_LISTED_KEY] = classes.fetch(read_seconds=WAIT_SECONDS)
    except ServiceError:
        return


def listed() -> Classes | None:
    """Return the list of classes as it was last fetched, None if it never was."""
    found: Classes | None = st.session_state.get(_LISTED_KEY)
    return found


def builtin() -> list[str]:
    """Return the names of the built-in classes, empty while they are unknown."""
    known = listed()
    return [it.name for it in known.classes if not it.is_own] if known is not None else []


def find(name: str) -> ListedClass | None:
    """Return the class that has, or had, this name; None if it is unknown or deleted."""
    known = listed()
    every = known.classes if known is not None else ()
    by_name = {it.name: it for it in every}
    by_alias = {alias: it for it in every for alias in it.aliases}
    return by_name.get(name) or by_alias.get(name)


def current_name(served: str) -> str | None:
    """Return today's name of a class that the live version knows, None if it was deleted."""
    if listed() is None:
        return served
    found = find(served)
    return None if found is None else found.name


def names(served: Iterable[str]) -> list[str]:
    """Return today's names of all classes: those of the live version first, in its order."""
    known = listed()
    first = [name for name in map(current_name, served) if name is not None]
    others = [it.name for it in known.classes] if known is not None else []
    return list(dict.fromkeys([*first, *others]))


def remember(label: str) -> None:
    """Remember the class that this visitor has just taught: the next drawing may be one too."""
    st.session_state[_LAST_KEY] = label


def suggested(among: Sequence[str], *, besides: str | None) -> str | None:
    """Return the class that was taught last in this visit; None if it is `besides` or gone."""
    last: str | None = st.session_state.get(_LAST_KEY)
    return last if last in among and last != besides else None
