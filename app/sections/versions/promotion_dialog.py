"""The dialog that asks before a version is promoted: both versions side by side, and a reason."""

import streamlit as st

from app.clients.trainer import Model
from app.sections import promotion
from app.sections.teaching import own_classes
from app.sections.versions import comparison
from app.text.formatting import plain
from app.text.translate import N_, _

MAX_REASON_LENGTH = 500  # characters; the trainer's limit

TITLE = N_("Promote {name}?")


def confirm_promotion(model: Model, champion: Model | None) -> None:
    """Open the dialog: explain the promotion, ask for a candidate's reason, and promote it."""
    st.dialog(_(TITLE).format(name=model.name))(_render)(model, champion)


def _render(model: Model, champion: Model | None) -> None:
    candidate = model.status == "candidate"
    st.markdown(_consequence(model, champion))
    if champion is not None:
        found = comparison.with_live(model, champion)
        if found.rows:
            st.html(comparison.table_html(found))
    if lost := own_classes.lost_line(model, champion):
        st.markdown(plain(lost))
    with st.form("promotion", border=False):
        reason = _render_reason_field() if candidate else None
        go_on, leave = st.columns(2)
        with leave:
            cancelled = st.form_submit_button(_("Cancel"), width="stretch", key="leave")
        with go_on:
            confirmed = st.form_submit_button(
                _("Promote anyway") if candidate else _("Promote"),
                type="primary",
                width="stretch",
                key="confirm_anyway" if candidate else "confirm",
            )
    if cancelled:
        st.rerun()
    if not confirmed:
        return
    if reason == "":
        st.error(_("Enter a reason first. One word is enough."))
        return
    promotion.promote(model.version, reason)


def _render_reason_field() -> str:
    """Render the field for the reason of a promotion; return its text, stripped."""
    written = st.text_input(
        _("Why promote it anyway?"),
        max_chars=MAX_REASON_LENGTH,
        help=_("We'll save it with the promotion and show it in the version's details."),
        key="reason",
    )
    return written.strip()


def _consequence(model: Model, champion: Model | None) -> str:
    if champion is None:
        return _("{name} goes live.").format(name=f"**{plain(model.name)}**")
    names = {"name": f"**{plain(model.name)}**", "live": f"**{plain(champion.name)}**"}
    if model.status == "candidate":
        return _("{name} did not pass the checks. It replaces {live}, the live version.").format(
            **names
        )
    return _("{name} replaces {live}, the live version.").format(**names)
