"""Classes page: add, rename, merge and delete classes of your own."""

from collections.abc import Callable
from functools import partial
from html import escape

import streamlit as st

from app.clients import classes
from app.clients.classes import Classes, ListedClass
from app.clients.classifier import version_of
from app.clients.http import ServiceError
from app.components.feedback import MAX_NAME_LENGTH
from app.login import permission
from app.sections import model_status, trainer_notice
from app.text.formatting import ago, counted, listing, named, plain

MAX_VERSIONS = 3
"""Versions that know a class and are named; more are counted."""


def render_page() -> None:
    """Render the whole page."""
    st.title("Classes")
    st.write(
        "What the model can tell apart. Add a class of your own, give it 10 pictures on Classify, "
        "and press Retrain."
    )
    try:
        known = classes.fetch()
    except ServiceError as error:
        trainer_notice.render_trainer_error(error, "The live model keeps answering.")
        return
    editable = permission.may("teacher", "Changing classes")
    render_last_change(known, editable=editable)
    own = [one for one in known.classes if one.is_own]
    st.header("Your classes")
    if editable:
        render_new_class(known)
    if not own:
        st.write("None yet.")
    for one in own:
        render_class(one, known, editable=editable)
    st.header("Built-in classes")
    render_built_in([one for one in known.classes if not one.is_own])


def render_last_change(known: Classes, *, editable: bool) -> None:
    """Render the latest rename, merge or deletion, with Undo until it is used or replaced."""
    if not known.changes or not editable:
        return
    last = known.changes[0]
    by = f" by {plain(named(last.actor) or '')}" if named(last.actor) else ""
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key="classes_change"
    ):
        st.markdown(f"{plain(last.what)} · {ago(last.time)}{by}")
        if st.button("Undo", key="classes_undo"):
            _apply(partial(classes.undo, last.id))


def render_new_class(known: Classes) -> None:
    """Render the field for a new class, and what is wrong with the name below it."""
    if len(known.classes) >= known.limit:
        st.info(f"There are {known.limit} classes, and no room for more. Merge or delete some.")
        return
    key = f"class_name_{len(known.classes)}"  # empty again once a class was added
    with (
        st.form("new_class", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.text_input("Name of the new class", max_chars=MAX_NAME_LENGTH, key=key, width=320)
        added = st.form_submit_button("Add class", key="add_class")
    if added and not name.strip():
        st.error("Enter a name.")
    elif added:
        _apply(partial(classes.create, name))


def render_class(one: ListedClass, known: Classes, *, editable: bool) -> None:
    """Render the card of one of the visitor's classes, and the button that changes it."""
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"class_{one.name}"
    ):
        live = model_status.live_tag() in one.versions
        badge = '<div class="badge ready"><b>Live</b></div>' if live else ""
        st.html(
            f'<div class="version"><strong>{escape(one.name)}</strong>'
            f"<span>{escape(pictures_line(one))}</span>"
            f"<span>{escape(versions_line(one))}</span>{badge}</div>"
        )
        if editable and st.button(f"Edit {plain(one.name)}", key=f"edit_{one.name}"):
            edit(one, known)


def pictures_line(one: ListedClass) -> str:
    """Return how many pictures a class has, and how many are missing."""
    pictures = one.pictures
    parts = [counted(pictures.usable, "picture")]
    if pictures.held_out:
        parts[0] += f", {pictures.held_out} of them for testing"
    if pictures.needed:
        parts.append(f"{pictures.needed} more needed to train it")
    return " · ".join(parts)


def versions_line(one: ListedClass) -> str:
    """Return which versions know a class, who added it, and its former names."""
    names = [version_of(tag) for tag in one.versions]
    if not names:
        knowing = "No version knows it yet"
    elif len(names) <= MAX_VERSIONS:
        knowing = f"Known by {listing(names)}"
    else:
        knowing = f"Known by {counted(len(names), 'version')}"
    parts = [knowing]
    if one.created_at is not None:
        by = f" by {named(one.actor)}" if named(one.actor) else ""
        parts.append(f"added {ago(one.created_at)}{by}")
    if one.aliases:
        parts.append(f"also {listing(one.aliases)}")
    return " · ".join(parts)


@st.dialog("Edit class")
def edit(one: ListedClass, known: Classes) -> None:
    """Rename a class, merge it into another one, or delete it."""
    st.markdown(f"**{plain(one.name)}**: {plain(pictures_line(one))}")
    with st.form("rename", border=False):
        name = st.text_input("Name", value=one.name, max_chars=MAX_NAME_LENGTH, key="new_name")
        renamed = st.form_submit_button("Rename", key="rename")
    if renamed:
        _apply(partial(classes.rename, one.name, name))
    others = [other.name for other in known.classes if other.name != one.name]
    with st.form("merge", border=False):
        into = st.selectbox(
            "The same as", others, index=None, placeholder="Choose a class", key="merge_into"
        )
        merged = st.form_submit_button("Merge", key="merge")
    if merged and into is None:
        st.error("Choose the other class first.")
    elif merged and into is not None:
        _apply(partial(classes.merge, one.name, into))
    if st.button("Delete", key="delete"):
        _apply(partial(classes.delete, one.name))
    st.caption("Its corrections follow: renamed, merged or deleted with it. You can undo it.")


def render_built_in(built_in: list[ListedClass]) -> None:
    """Render the built-in classes with the number of their corrections."""
    items = "".join(
        f"<div><dt>{escape(one.name)}</dt><dd>{counted(one.pictures.usable, 'picture')}</dd></div>"
        for one in built_in
    )
    st.html(f'<dl class="facts">{items}</dl>')
    st.caption("Pictures that you corrected or confirmed. These classes can't be changed.")


def _apply(change: Callable[[], object]) -> None:
    """Make a change and rerun the page, or render the error."""
    try:
        change()
    except ServiceError as error:
        st.error(plain(error.message))
    else:
        st.rerun()


render_page()
