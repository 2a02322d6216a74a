"""Classes page: add, rename, merge and delete classes of your own."""

from collections.abc import Callable
from functools import partial
from html import escape

import streamlit as st

from app.clients import classes
from app.clients.classes import Classes, ListedClass
from app.clients.http import ServiceError
from app.clients.version_names import version_name
from app.components.feedback import MAX_NAME_LENGTH
from app.login import permission
from app.sections import model_status, trainer_notice
from app.text.formatting import ago, counted, listing, named, plain
from app.text.translate import _

MAX_VERSIONS = 3
"""Versions that know a class and are named; more are counted."""


def render_page() -> None:
    """Render the whole page."""
    st.title(_("Classes"))
    st.write(
        _(
            "What the model can tell apart. Add a class of your own, give it 10 pictures on "
            "Classify, and press Retrain."
        )
    )
    try:
        known = classes.fetch()
    except ServiceError as error:
        trainer_notice.render_trainer_error(error)
        return
    editable = permission.may("teacher", _("Changing classes"))
    render_last_change(known, editable=editable)
    own = [one for one in known.classes if one.is_own]
    st.header(_("Your classes"))
    if editable:
        render_new_class(known)
    if not own:
        st.write(_("None yet."))
    for one in own:
        render_class(one, known, editable=editable)
    st.header(_("Built-in classes"))
    render_built_in([one for one in known.classes if not one.is_own])


def render_last_change(known: Classes, *, editable: bool) -> None:
    """Render the latest rename, merge or deletion, with Undo until it is used or replaced."""
    if not known.changes or not editable:
        return
    last = known.changes[0]
    when, who = ago(last.time), named(last.actor)
    if who:
        when = _("{time} by {person}").format(time=when, person=plain(who))
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key="classes_change"
    ):
        st.markdown(f"{plain(last.what)} · {when}")
        if st.button(_("Undo"), key="classes_undo"):
            _apply(partial(classes.undo, last.id))


def render_new_class(known: Classes) -> None:
    """Render the field for a new class, and what is wrong with the name below it."""
    if len(known.classes) >= known.limit:
        text = _("There are {limit} classes, and no room for more. Merge or delete some.")
        st.info(text.format(limit=known.limit))
        return
    key = f"class_name_{len(known.classes)}"  # empty again once a class was added
    with (
        st.form("new_class", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        label = _("Name of the new class")
        name = st.text_input(label, max_chars=MAX_NAME_LENGTH, key=key, width=320)
        added = st.form_submit_button(_("Add class"), key="add_class")
    if added and not name.strip():
        st.error(_("Enter a name."))
    elif added:
        _apply(partial(classes.create, name))


def render_class(one: ListedClass, known: Classes, *, editable: bool) -> None:
    """Render the card of one of the visitor's classes, and the button that changes it."""
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"class_{one.name}"
    ):
        live = model_status.live_tag() in one.versions
        badge = f'<div class="badge ready"><b>{_("Live")}</b></div>' if live else ""
        st.html(
            f'<div class="version"><strong>{escape(one.name)}</strong>'
            f"<span>{escape(pictures_line(one))}</span>"
            f"<span>{escape(versions_line(one))}</span>{badge}</div>"
        )
        label = _("Edit {name}").format(name=plain(one.name))
        if editable and st.button(label, key=f"edit_{one.name}"):
            edit(one, known)


def pictures_line(one: ListedClass) -> str:
    """Return how many pictures a class has, and how many are missing."""
    pictures = one.pictures
    parts = [counted(pictures.usable, "picture")]
    if pictures.held_out:
        text = _("{pictures}, {count} of them for testing")
        parts = [text.format(pictures=parts[0], count=pictures.held_out)]
    if pictures.needed:
        parts.append(_("{count} more needed to train it").format(count=pictures.needed))
    return " · ".join(parts)


def versions_line(one: ListedClass) -> str:
    """Return which versions know a class, who added it, and its former names."""
    if not one.versions:
        parts = [_("No version knows it yet")]
    elif len(one.versions) <= MAX_VERSIONS:
        names = listing([version_name(tag) for tag in one.versions])
        parts = [_("Known by {versions}").format(versions=names)]
    else:
        names = counted(len(one.versions), "version")
        parts = [_("Known by {versions}").format(versions=names)]
    if one.created_at is not None:
        when, who = ago(one.created_at), named(one.actor)
        if who:
            when = _("{time} by {person}").format(time=when, person=who)
        parts.append(_("added {when}").format(when=when))
    if one.aliases:
        parts.append(_("also {names}").format(names=listing(one.aliases)))
    return " · ".join(parts)


def edit(one: ListedClass, known: Classes) -> None:
    """Open a dialog: rename a class, merge it into another one, or delete it."""
    st.dialog(_("Edit class"))(_render_edit)(one, known)


def _render_edit(one: ListedClass, known: Classes) -> None:
    st.markdown(f"**{plain(one.name)}**: {plain(pictures_line(one))}")
    with st.form("rename", border=False):
        name = st.text_input(_("Name"), value=one.name, max_chars=MAX_NAME_LENGTH, key="new_name")
        renamed = st.form_submit_button(_("Rename"), key="rename")
    if renamed:
        _apply(partial(classes.rename, one.name, name))
    others = [other.name for other in known.classes if other.name != one.name]
    with st.form("merge", border=False):
        into = st.selectbox(
            _("The same as"),
            others,
            index=None,
            placeholder=_("Choose a class"),
            key="merge_into",
        )
        merged = st.form_submit_button(_("Merge"), key="merge")
    if merged and into is None:
        st.error(_("Choose the other class first."))
    elif merged and into is not None:
        _apply(partial(classes.merge, one.name, into))
    if st.button(_("Delete"), key="delete"):
        _apply(partial(classes.delete, one.name))
    st.caption(_("Its corrections follow: renamed, merged or deleted with it. You can undo it."))


def render_built_in(built_in: list[ListedClass]) -> None:
    """Render the built-in classes with the number of their corrections."""
    items = "".join(
        f"<div><dt>{escape(one.name)}</dt><dd>{counted(one.pictures.usable, 'picture')}</dd></div>"
        for one in built_in
    )
    st.html(f'<dl class="facts">{items}</dl>')
    st.caption(_("Pictures that you corrected or confirmed. These classes can't be changed."))


def _apply(change: Callable[[], object]) -> None:
    """Make a change and rerun the page, or render the error."""
    try:
        change()
    except ServiceError as error:
        st.error(plain(error.message))
    else:
        st.rerun()


render_page()
