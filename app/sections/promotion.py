"""Promotion of a version, the message that confirms it, and past promotions."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.clients import trainer
from app.clients.http import ServiceError
from app.clients.trainer import Promotion, PromotionRecord
from app.clients.version_names import version_name
from app.text.formatting import counted, duration, moment, named, plain
from app.text.translate import _

_MESSAGE_KEY = "promoted"


def promote(version: str, reason: str | None = None, *, note: str = "") -> None:
    """Promote a version and rerun the page, or render the error. `note` follows the message."""
    try:
        with st.spinner(_("Loading the version on every worker"), show_time=True):
            done = trainer.promote(version, reason)
    except ServiceError as error:
        text = _("{error} The live model hasn't changed.")
        st.error(text.format(error=plain(error.message)))
        return
    st.session_state[_MESSAGE_KEY] = f"{_summary(version, done)} {note}".strip()
    st.rerun()


def render_promotion_message() -> None:
    """Say once what the last promotion of this visit did, in sight wherever the page is."""
    message = st.session_state.pop(_MESSAGE_KEY, None)
    if message is not None:
        st.toast(plain(message), icon=":material/check_circle:", duration="long")


def render_promotions(promotions: Sequence[PromotionRecord]) -> None:
    """Render the promotions of a version, newest first."""
    if not promotions:
        return
    items = "".join(_promotion_item(record) for record in reversed(promotions))
    st.html(f'<ol class="promotions">{items}</ol>')


def _summary(version: str, done: Promotion) -> str:
    name = version_name(version)
    if done.detail:
        return f"{_('{name} is promoted.').format(name=name)} {done.detail}"
    return _("{name} is live on {workers} after {duration}.").format(
        name=name, workers=counted(done.workers, "worker"), duration=duration(done.seconds)
    )


def _promotion_item(record: PromotionRecord) -> str:
    text = _by(record)
    if record.previous:
        text = _("{by}, replacing {name}").format(by=text, name=version_name(record.previous))
    reason = f"<q>{escape(record.reason)}</q>" if record.reason else ""
    return f"<li><b>{escape(moment(record.time))}</b> {escape(text)}{reason}</li>"


def _by(record: PromotionRecord) -> str:
    if record.by == "gate":
        return _("automatically after training")
    actor = named(record.actor)
    return _("by {actor}").format(actor=actor) if actor else _("by a person")
