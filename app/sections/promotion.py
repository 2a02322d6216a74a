"""Promotion of a version, the message that confirms it, and past promotions."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.clients import trainer
from app.clients.classifier import version_of
from app.clients.http import ServiceError
from app.clients.trainer import Promotion, PromotionRecord
from app.text.formatting import counted, duration, moment, named, plain

_MESSAGE_KEY = "promoted"


def promote(version: str, reason: str | None = None, *, note: str = "") -> None:
    """Promote a version and rerun the page, or render the error. `note` follows the message."""
    try:
        with st.spinner("Loading the version on every worker", show_time=True):
            done = trainer.promote(version, reason)
    except ServiceError as error:
        st.error(f"{plain(error.message)} The live model hasn't changed.")
        return
    st.session_state[_MESSAGE_KEY] = f"{_summary(version, done)} {note}".strip()
    st.rerun()


def render_promotion_message() -> None:
    """Render once what the last promotion of this visit did."""
    message = st.session_state.pop(_MESSAGE_KEY, None)
    if message is not None:
        st.success(plain(message))


def render_promotions(promotions: Sequence[PromotionRecord]) -> None:
    """Render the promotions of a version, newest first."""
    if not promotions:
        return
    st.markdown("## Promotions")
    items = "".join(_promotion_item(record) for record in reversed(promotions))
    st.html(f'<ol class="promotions">{items}</ol>')


def _summary(version: str, done: Promotion) -> str:
    if done.detail:
        return f"Version {version} is promoted. {done.detail}"
    workers = counted(done.workers, "worker")
    return f"Version {version} is live on {workers} after {duration(done.seconds)}."


def _promotion_item(record: PromotionRecord) -> str:
    if record.by == "gate":
        by = "automatically after training"
    else:
        by = f"by {named(record.actor) or f'a {record.by}'}"
    replaced = f", replacing {version_of(record.previous)}" if record.previous else ""
    reason = f"<q>{escape(record.reason)}</q>" if record.reason else ""
    return f"<li><b>{escape(moment(record.time))}</b> {escape(by + replaced)}{reason}</li>"
