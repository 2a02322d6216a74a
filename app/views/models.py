"""Models page: every version, which one is live, promotion and rollback."""

from pathlib import Path

import streamlit as st

from app.clients import classifier, trainer
from app.clients.http import RequestRejected, ServiceError
from app.clients.trainer import Model
from app.clients.version_names import version_name
from app.login import permission
from app.sections import model_status, promotion, shadow_card, trainer_notice
from app.sections.teaching import choices
from app.sections.versions import card
from app.text.formatting import plain, zone_note
from app.text.translate import _

STYLE = Path(__file__).parent / "models.css"
VERSIONS_ON_A_PAGE = 8

_PAGE_KEY = "versions_page"


def render_page() -> None:
    """Render the whole page."""
    st.html(STYLE)
    st.title(_("Models"))
    promotion.render_promotion_message()
    number = st.session_state.get(_PAGE_KEY, 1)
    try:
        listed = trainer.model_page((number - 1) * VERSIONS_ON_A_PAGE, VERSIONS_ON_A_PAGE)
        champion = _find(listed.champion, listed.models)
        linked = _find(st.query_params.get("version"), listed.models)
    except ServiceError as error:
        trainer_notice.render_trainer_error(error)
        return
    trainer_notice.render_state_problems(besides="models/fashion_mnist_model/")
    if not listed.total:
        st.info(_("No versions yet. Train the first one on the Retrain page, or above."))
        return
    _render_summary(champion)
    choices.refresh()
    allowed = permission.may("operator", _("Promoting a version"))
    shadow_status = shadow_card.render_shadow_status(disabled=not allowed)
    first = {one.tag: one for one in (linked, champion) if one is not None}
    shown = {**first, **{one.tag: one for one in listed.models}}
    for model in shown.values():
        others = _others(model, list(shown.values()))
        opened = linked is not None and model.tag == linked.tag
        card.render_card(model, champion, others, shadow_status, opened=opened)
    pages = -(-listed.total // VERSIONS_ON_A_PAGE)
    if pages > 1:
        st.pagination(pages, key=_PAGE_KEY)


def _find(name: str | None, listed: list[Model]) -> Model | None:
    """Return a version by its tag, number or the tag's last part; None if there is none."""
    if name is None:
        return None
    found = next((it for it in listed if name in (it.tag, it.version, it.name)), None)
    if found is not None:
        return found
    try:
        return trainer.model(name)
    except RequestRejected:
        return None


def _render_summary(champion: Model | None) -> None:
    if champion is None:
        st.warning(_("No version is live. Promote one."))
        return
    names = {"name": f"**{plain(champion.name)}**"}
    state = model_status.current_state()
    if not isinstance(state, classifier.Ready):
        text = _("{name} is the live version. Waiting for the classifier.").format(**names)
    elif state.tag != champion.tag:
        other = f"**{plain(version_name(state.tag))}**"
        text = _("{name} goes live in a moment. {other} still answers.").format(
            **names, other=other
        )
    else:
        text = _("{name} is live. You can promote any other version, and roll back.").format(
            **names
        )
    st.markdown(text)
    st.caption(zone_note())


def _others(model: Model, shown: list[Model]) -> list[Model]:
    """Return every other version on the page: the live one first, then the newest."""
    others = [other for other in shown if other.tag != model.tag]
    return sorted(others, key=lambda other: not other.champion)


render_page()
