"""How many pictures of a class there are, and how many are missing until a run includes it."""

from collections.abc import Collection

import streamlit as st

from app.clients import trainer
from app.clients.classes import Classes, ListedClass
from app.sections.teaching import choices
from app.text.formatting import listing, plain
from app.text.translate import _, ngettext


def render_progress(label: str, served: Collection[str]) -> None:
    """Render what a picture just saved with a new class leads to: more pictures, or a run.

    `served` are the classes of the live version. What pictures of known classes lead to is said
    by the bar of ready corrections.
    """
    one = choices.find(label)
    is_new = one is not None and label not in map(choices.current_name, served)
    if one is not None and is_new and one.pictures.needed:
        st.caption(missing_line(one))
    elif one is not None and is_new:
        count = one.pictures.usable
        link = ngettext(
            "{name}: {count} picture. **Retrain** to teach it",
            "{name}: {count} pictures. **Retrain** to teach it",
            count,
        ).format(name=plain(label), count=f"{count:,}")
        st.page_link("views/retrain.py", label=link)


def missing_line(one: ListedClass) -> str:
    """Return how many pictures a class has and needs, as Markdown."""
    have, needed = one.pictures.usable, one.pictures.needed
    return _("{name}: {have} of {all} pictures. {needed} more, then Retrain.").format(
        name=plain(one.name), have=have, all=have + needed, needed=needed
    )


def missing_for_own_recipe(known: Classes) -> str | None:
    """Return what is missing to train on a person's own pictures only, None if nothing is.

    The sentences are Markdown.
    """
    taught = [one for one in known.classes if one.pictures.usable]
    if len([one for one in taught if not one.pictures.needed]) >= trainer.OWN_CLASSES:
        return None
    needs = _("You need at least {count} classes with 10 pictures each.").format(
        count=trainer.OWN_CLASSES
    )
    if not taught:
        return needs
    parts = [f"{plain(one.name)} {one.pictures.usable}" for one in taught]
    so_far = _("So far: {classes}.").format(classes=listing(parts))
    return f"{needs} {so_far}"
