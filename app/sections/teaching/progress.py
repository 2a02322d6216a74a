"""How many pictures of a class there are, and how many are missing until a run includes it."""

from collections.abc import Collection

import streamlit as st

from app.clients import trainer
from app.clients.classes import Classes, ListedClass
from app.sections.teaching import choices
from app.text.formatting import counted, listing, plain


def render_progress(label: str, served: Collection[str], *, ready: int | None) -> None:
    """Render what the correction just saved as `label` leads to: more pictures, or a run.

    `served` are the classes of the live version. `ready` is the number of all corrections that
    runs can use, None if it is unknown.
    """
    one = choices.find(label)
    is_new = one is not None and label not in map(choices.current_name, served)
    if one is not None and is_new and one.pictures.needed:
        st.caption(missing_line(one))
    elif one is not None and is_new:
        link = f"{plain(label)}: {counted(one.pictures.usable, 'picture')}. **Retrain** to teach it"
        st.page_link("views/retrain.py", label=link)
    elif ready:
        st.page_link("views/retrain.py", label=f"{ready:,} ready: **Retrain**")


def missing_line(one: ListedClass) -> str:
    """Return how many pictures a class has and needs, as Markdown."""
    have, needed = one.pictures.usable, one.pictures.needed
    return f"{plain(one.name)}: {have} of {have + needed} pictures. {needed} more, then Retrain."


def missing_for_own_recipe(known: Classes) -> str | None:
    """Return what is missing to train on a person's own pictures only, None if nothing is.

    The sentences are Markdown.
    """
    taught = [one for one in known.classes if one.pictures.usable]
    if len([one for one in taught if not one.pictures.needed]) >= trainer.OWN_CLASSES:
        return None
    needs = f"You need at least {trainer.OWN_CLASSES} classes with 10 pictures each."
    if not taught:
        return needs
    parts = [f"{plain(one.name)} {one.pictures.usable}" for one in taught]
    return f"{needs} So far: {listing(parts)}."
