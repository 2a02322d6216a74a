"""Corrections that runs leave out because their labels look wrong: decide on them first."""

from html import escape

import streamlit as st

from app.clients import corrections
from app.clients.corrections import Correction
from app.clients.http import ServiceError
from app.clients.trainer import Run
from app.login import visitor
from app.text.formatting import named, plain
from app.text.images import data_url
from app.text.translate import _, ngettext

MAX_PICTURES = 3
_QUARANTINED = "quarantined"


def render_review(run: Run) -> None:
    """Render what the run left out, with a button for each that uses it anyway.

    Nothing if it left none out, if all of them have been decided since, or while the trainer does
    not answer.
    """
    if run.corrections is None or not run.corrections.quarantined:
        return
    try:
        page = corrections.page(state=_QUARANTINED, limit=MAX_PICTURES)
    except ServiceError:
        return
    waiting = [one for one in page.corrections if one.state == _QUARANTINED]
    if not waiting:
        return
    total = page.counts[_QUARANTINED]
    line = ngettext(
        "{count:,} correction was left out, because its label looks wrong.",
        "{count:,} corrections were left out, because their labels look wrong.",
        total,
    ).format(count=total)
    with st.container(border=True, key="review", gap="small"):
        st.markdown(f"**{plain(line)}**")
        for one in waiting:
            _render_one(one)
        if total > len(waiting):
            st.page_link(
                "views/corrections.py",
                label=_("Review all {count:,}").format(count=total),
                icon=":material/arrow_forward:",
                query_params={"state": _QUARANTINED},
            )


def _render_one(one: Correction) -> None:
    alt = _("What the model saw: {label}").format(label=one.label)
    by = named(one.actor)
    who = f"<small>{escape(_('From {name}').format(name=by))}</small>" if by else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            f'<div class="doubt"><img src="{data_url(one.png)}" alt="{escape(alt)}">'
            f"<span><b>{escape(one.label)}</b> {escape(one.reason or '')}{who}</span></div>"
        )
        st.button(
            _("Use it anyway"),
            key=f"use_{one.id}",
            disabled=not visitor.may("teacher"),
            on_click=_accept,
            args=(one,),
            help=None if visitor.may("teacher") else _("This needs the role teacher."),
        )


def _accept(one: Correction) -> None:
    try:
        corrections.accept(one.id)
    except ServiceError as error:
        st.toast(_("Nothing changed. {reason}").format(reason=plain(error.message)))
    else:
        st.toast(
            _("Accepted as {label}. The next run learns from it.").format(label=plain(one.label))
        )
