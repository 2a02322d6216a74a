"""The card of one version: what it is called, how good it is, and what can be done with it."""

from html import escape

import streamlit as st

from app.charts.accuracy_metric import SHOWN_DECIMALS
from app.clients import classifier
from app.clients.shadow import Shadow
from app.clients.trainer import Model
from app.clients.version_names import version_name
from app.login import permission
from app.sections import model_status, promotion, shadow_card, trainer_notice
from app.sections.shadow_card import ShadowStatus
from app.sections.teaching import choices, own_classes
from app.sections.versions import details
from app.sections.versions.promotion_dialog import confirm_promotion
from app.text.formatting import counted, moment, percent, plain, points
from app.text.translate import N_, _, ngettext

REASONS_SHOWN = 2

_BADGES = {
    "candidate": ("waiting", N_("Candidate")),
    "former": ("idle", N_("Previously live")),
    "stored": ("idle", N_("Never live")),
}
_BUTTONS = {
    "candidate": N_("Promote anyway"),
    "former": N_("Roll back"),
    "stored": N_("Promote"),
}


def render_card(
    model: Model,
    champion: Model | None,
    others: list[Model],
    shadow_status: ShadowStatus | None,
    *,
    opened: bool = False,
) -> None:
    """Render a version. `others` are versions to compare it with, the default first."""
    if model.error is not None:
        trainer_notice.render_damaged_version(model)
        return
    running = shadow_status.running if shadow_status is not None else None
    in_shadow = running is not None and running.version == model.version
    with st.container(border=True, key=f"model_{model.version}"):
        head, actions = st.columns([3.4, 1.6], vertical_alignment="center")
        head.html(_head_html(model, champion, in_shadow=in_shadow))
        with actions, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            _render_actions(model, champion, running, may_shadow=shadow_status is not None)
        _render_reasons(model)
        if lost := own_classes.lost_line(model, champion):
            st.caption(plain(lost))
        if in_shadow:
            shadow_card.render_shadow_results(model)
        # Draw the charts of a version only when its details are open.
        folded = st.expander(
            _("Details"),
            expanded=opened,
            key=f"details_{model.version}",
            on_change="rerun",
            type="compact",
        )
        if folded.open:
            with folded:
                details.render_details(model, others)


def _head_html(model: Model, champion: Model | None, *, in_shadow: bool) -> str:
    recipe = model.metadata.get("recipe")
    what = " · ".join(filter(None, (recipe and str(recipe), moment(model.created_at))))
    knows = own_classes.version_line(model, choices.builtin())
    badges = [_live_badge(model)] if model.champion else []
    if model.status in _BADGES:
        kind, text = _BADGES[model.status]
        badges.append(_badge(kind, _(text)))
    if in_shadow:
        badges.append(_badge("ready", _("Shadow test")))
    return (
        f'<div class="version-head"><div><h2>{escape(model.name)}</h2> '
        f"<span>{escape(what)}</span></div>"
        f'<div class="version-badges">{"".join(badges)}</div>'
        f"{_accuracy_html(model, champion)}"
        + (f"<p>{escape(knows)}</p>" if knows else "")
        + "</div>"
    )


def _accuracy_html(model: Model, champion: Model | None) -> str:
    if model.accuracy is None:
        return f'<p class="version-accuracy">{_("Accuracy unknown")}</p>'
    text = _("{accuracy} of test pictures right").format(
        accuracy=f"<b>{percent(model.accuracy)}</b>"
    )
    if champion is None or champion.accuracy is None or model.champion:
        return f'<p class="version-accuracy">{text}</p>'
    # Compare the shown values, so that 88.9 % beside 88.8 % is not called the same.
    gain = round(model.accuracy, SHOWN_DECIMALS) - round(champion.accuracy, SHOWN_DECIMALS)
    name = escape(champion.name)
    if abs(gain) < 10**-SHOWN_DECIMALS / 2:
        kind, compared = "", _("the same as {name}").format(name=name)
    else:
        kind = "worse" if gain < 0 else "better"
        text_of_gain = f"<b>{points(gain)}</b>"
        compared = _("{points} against {name}").format(points=text_of_gain, name=name)
    return f'<p class="version-accuracy">{text} <small class="{kind}">{compared}</small></p>'


def _live_badge(model: Model) -> str:
    state = model_status.current_state()
    live = _("Live")
    if not isinstance(state, classifier.Ready):
        return _badge("waiting", live, _("waiting for the classifier"))
    if state.tag != model.tag:
        name = version_name(state.tag)
        return _badge("waiting", live, _("soon: {name} still answers").format(name=name))
    workers = counted(state.workers, "worker")
    return _badge("ready", live, _("on {workers}").format(workers=workers))


def _badge(kind: str, strong: str, rest: str = "") -> str:
    return f'<div class="badge {kind}"><b>{escape(strong)}</b> {escape(rest)}</div>'


def _render_actions(
    model: Model, champion: Model | None, running: Shadow | None, *, may_shadow: bool
) -> None:
    if model.champion:
        if isinstance(model_status.current_state(), classifier.Ready):
            st.page_link("views/classify.py", label=_("Try it now"), icon=":material/draw:")
        return
    allowed = permission.may("operator", _("Promoting a version"))
    label = _(_BUTTONS.get(model.status, "Promote"))
    if st.button(label, key=f"promote_{model.version}", disabled=not allowed):
        if model.status == "former":
            note = own_classes.lost_line(model, champion)
            promotion.promote(model.version, note=note)
        else:
            confirm_promotion(model, champion)
    if may_shadow and champion is not None:
        shadow_card.render_shadow_button(model, running, disabled=not allowed)


def _render_reasons(model: Model) -> None:
    """Render why a candidate was not promoted: the first reasons, and how many more there are."""
    gate = model.gate
    if model.status != "candidate" or gate is None:
        return
    reasons = plain(" ".join(gate.reasons[:REASONS_SHOWN]))
    if gate.champion is None:
        text = _("Not promoted: {reasons}").format(reasons=reasons)
    else:
        text = _("Not promoted, compared with {name}: {reasons}").format(
            name=plain(version_name(gate.champion)), reasons=reasons
        )
    more = len(gate.reasons) - REASONS_SHOWN
    if more > 0:
        count = ngettext("{count} more reason.", "{count} more reasons.", more)
        text = f"{text} {count.format(count=more)}"
    st.markdown(text)
