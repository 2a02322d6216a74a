"""Why the model gives an answer: what mattered in the picture, and what it learned from."""

import hashlib
from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from app.clients import classifier
from app.clients.classifier import Explanation, LearnedPicture
from app.clients.http import ServiceError
from app.sections import model_status
from app.sections.teaching import choices
from app.text import importance
from app.text.formatting import listing, plain
from app.text.images import data_url
from app.text.translate import _

_STYLE = Path(__file__).with_suffix(".css")


def render_explanation(
    data: bytes, *, source: str, media_type: str = classifier.PNG, crop: str = ""
) -> None:
    """Render a button that opens the explanation of the answer to one picture, or a part of it.

    `source` is `pad` or `upload`. The classifier explains nothing before the button is pressed.
    """
    opened = st.popover(_("Why?"), key=f"{source}_why", on_change="rerun")
    if not opened.open:
        return
    with opened:
        st.html(_STYLE)
        try:
            found = _explain_once(data, source, media_type, crop)
        except ServiceError as error:
            st.write(plain(error.message))
            return
        label = choices.current_name(found.answer.label) or found.answer.label
        _render_counts(found, label)
        _render_nearest(found, label)


def _explain_once(data: bytes, source: str, media_type: str, crop: str) -> Explanation:
    """Ask once per picture and model. Raises ServiceError."""
    question = (hashlib.sha256(data).digest(), crop, model_status.live_tag())
    key = f"{source}_explained"
    stored: tuple[object, Explanation] | None = st.session_state.get(key)
    if stored is None or stored[0] != question:
        stored = (question, classifier.explain(data, media_type, crop))
        st.session_state[key] = stored
    return stored[1]


def _render_counts(found: Explanation, label: str) -> None:
    st.markdown("**{}**".format(_("What mattered")))
    places = [_(name) for name in importance.places(found.importance)]
    if places:
        words = _("Speaks for {name}: {places}").format(name=label, places=listing(places))
    else:
        words = _("Nothing speaks for {name}").format(name=label)
    keys = [("for", words)]
    if importance.counts_against(found.importance):
        keys.append(("against", _("Speaks against it")))
    legend = "".join(f'<p class="why-key {kind}">{escape(text)}</p>' for kind, text in keys)
    shown = data_url(importance.colour(found.picture, found.importance))
    st.html(
        f'<div class="why-counts"><img src="{shown}" alt="{escape(words)}">'
        f"<div>{legend}</div></div>"
    )


def _render_nearest(found: Explanation, label: str) -> None:
    st.markdown("**{}**".format(_("Similar pictures it learned from")))
    if found.nearest is None:
        st.write(plain(found.detail or _("This version keeps no pictures to compare with.")))
        return
    names = [choices.current_name(one.label) or one.label for one in found.nearest]
    st.html(_nearest_html(found.nearest, names, label))
    same = names.count(label)
    if same < len(names):
        st.caption(
            _("{same} of these {count} are labelled {name}.").format(
                same=same, count=len(names), name=plain(label)
            )
        )


def _nearest_html(nearest: Sequence[LearnedPicture], names: Sequence[str], label: str) -> str:
    items = []
    for one, name in zip(nearest, names, strict=True):
        taught = f"<small>{escape(_('taught by a person'))}</small>" if one.correction else ""
        kind = ' class="same"' if name == label else ""
        items.append(
            f'<li><img src="{data_url(one.png)}" alt=""><span{kind}>{escape(name)}</span>'
            f"{taught}</li>"
        )
    return f'<ul class="why-nearest">{"".join(items)}</ul>'
