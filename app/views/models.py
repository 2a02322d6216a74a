"""Models page: every trained version, its details, and promotion or rollback."""

from html import escape

import streamlit as st

from app.charts import per_class
from app.charts.accuracy_metric import accuracy_metric
from app.clients import classifier, trainer
from app.clients.classifier import version_of
from app.clients.http import ServiceError
from app.clients.trainer import Model
from app.components.chart import chart
from app.login import permission
from app.sections import (
    gate_report,
    model_status,
    promotion,
    shadow_card,
    trainer_notice,
    training_charts,
)
from app.sections.teaching import choices, own_classes
from app.text.formatting import (
    ago,
    bullets,
    counted,
    duration,
    moment,
    percent,
    plain,
    size,
    zone_note,
)

SHOWN_AT_FIRST = 8
MAX_REASON_LENGTH = 500  # characters; the trainer's limit
CLASSES_HEIGHT = 380
CONFUSION_HEIGHT = 420

_BADGES = {
    "candidate": ("waiting", "Candidate"),
    "former": ("idle", "Previously live"),
    "stored": ("idle", "Never live"),
}
_BUTTONS = {"candidate": "Promote anyway", "former": "Roll back to this version"}


def render_page() -> None:
    """Render the whole page."""
    st.title("Models")
    try:
        models = trainer.models()
    except ServiceError as error:
        trainer_notice.render_trainer_error(error, "The live model keeps answering.")
        return
    promotion.render_promotion_message()
    trainer_notice.render_state_problems(besides="models/fashion_mnist_model/")
    if not models:
        st.info("No versions yet. Train the first one on the Retrain page, or above.")
        return
    champion = next((model for model in models if model.champion), None)
    if champion is None:
        st.warning("No version is live. Promote one.")
    else:
        st.markdown(
            f"Version **{plain(champion.version)}** is live. "
            "Any other version can be promoted, and a promotion rolled back with one click."
        )
    st.caption(zone_note())
    choices.refresh()
    allowed = permission.may("operator", "Promoting a version")
    shadow_status = shadow_card.render_shadow_status(disabled=not allowed)
    linked = st.query_params.get("version")
    show_all = st.session_state.get("all_versions", False)
    for model in models if show_all else models[:SHOWN_AT_FIRST]:
        others = _others(model, models)
        opened = linked == model.version
        render_version(model, champion, others, shadow_status, opened=opened, allowed=allowed)
    hidden = len(models) - SHOWN_AT_FIRST
    if hidden > 0 and not show_all and st.button(f"Show {counted(hidden, 'older version')}"):
        st.session_state["all_versions"] = True
        st.rerun()


def render_version(
    model: Model,
    champion: Model | None,
    others: list[Model],
    shadow_status: shadow_card.ShadowStatus | None,
    *,
    opened: bool,
    allowed: bool,
) -> None:
    """Render the card of one version: accuracy, buttons and details.

    `allowed`: the visitor may promote it.
    """
    if model.error is not None:
        trainer_notice.render_damaged_version(model)
        return
    running = shadow_status.running if shadow_status is not None else None
    in_shadow = running is not None and running.version == model.version
    with st.container(border=True, key=f"model_{model.version}"):
        head, figures, action = st.columns([2.2, 2.2, 1.4], vertical_alignment="center")
        with head:
            st.html(
                f'<div class="version"><strong>{escape(model.version)}</strong>'
                f"<span>{escape(_summary(model))}</span>{_badges(model, in_shadow=in_shadow)}</div>"
            )
        with figures:
            _render_accuracy(model, champion)
        with action:
            _render_promotion_button(model, champion, disabled=not allowed)
            if shadow_status is not None and champion is not None and not model.champion:
                shadow_card.render_shadow_button(model, running, disabled=not allowed)
        if lost := own_classes.lost_line(model, champion):
            st.caption(plain(lost))
        if in_shadow:
            shadow_card.render_shadow_results(model)
        if model.status == "candidate" and model.gate is not None:
            st.markdown(f"Not promoted:\n\n{bullets(model.gate.reasons)}")
        # Draw the charts of a version only when its details are open.
        folded = st.expander(
            "Details", expanded=opened, key=f"details_{model.version}", on_change="rerun"
        )
        if folded.open:
            with folded:
                render_details(model, others)


def _render_promotion_button(model: Model, champion: Model | None, *, disabled: bool) -> None:
    if model.champion:
        st.html(f'<div class="badge ready"><b>Live</b> {_workers_text(model)}</div>')
        return
    label = _BUTTONS.get(model.status, "Promote")
    key = f"promote_{model.version}"
    if st.button(label, key=key, width="stretch", disabled=disabled):
        if model.status == "former":
            promotion.promote(model.version, note=own_classes.lost_line(model, champion))
        else:
            confirm_promotion(model, champion)


@st.dialog("Promote this version?")
def confirm_promotion(model: Model, champion: Model | None) -> None:
    """Explain the promotion, ask for a reason if the version is a candidate, and promote it."""
    candidate = model.status == "candidate"
    st.markdown(_consequence(model, champion))
    if lost := own_classes.lost_line(model, champion):
        st.markdown(plain(lost))
    if candidate and model.gate is not None:
        st.markdown(f"It did not pass the checks:\n\n{bullets(model.gate.reasons)}")
    st.markdown("Requests in progress finish on the old version. None fails.")
    with st.form("promotion", border=False):
        reason = render_reason_field() if candidate else None
        go_on, leave = st.columns(2)
        with leave:
            cancelled = st.form_submit_button("Cancel", width="stretch", key="leave")
        with go_on:
            confirmed = st.form_submit_button(
                "Promote anyway" if candidate else "Promote",
                type="primary",
                width="stretch",
                key="confirm",
            )
    if cancelled:
        st.rerun()
    if not confirmed:
        return
    if reason == "":
        st.error("Enter a reason first. One word is enough.")
        return
    promotion.promote(model.version, reason)


def render_reason_field() -> str:
    """Render the field for the reason of a promotion; return its text, stripped."""
    written = st.text_input(
        "Why promote it anyway?",
        max_chars=MAX_REASON_LENGTH,
        help="We'll save it with the promotion and show it in the version's details.",
        key="reason",
    )
    return written.strip()


def render_details(model: Model, others: list[Model]) -> None:
    """Render gate report, metadata, promotions and charts; compare with one of `others`."""
    gate_report.render_gate_report(model)
    st.markdown("## Training")
    metadata = model.metadata
    facts = {
        "Trained": moment(model.created_at),
        "Recipe": metadata.get("recipe"),
        "Network": metadata.get("network"),
        "Parameters": _thousands(metadata.get("parameters")),
        "Epochs": metadata.get("epochs"),
        "Duration": _duration(metadata.get("duration_seconds")),
        "Validation accuracy": _percent(metadata.get("validation_accuracy")),
        "Calibration error": _percent(metadata.get("calibration_error")),
        "Temperature": _decimals(metadata.get("temperature")),
        "Author": metadata.get("author"),
        "Seed": metadata.get("seed"),
        "Corrections used": len(metadata.get("corrections_used") or ()),
        "Size": size(model.size_bytes),
        "Code": _short(metadata.get("git_revision")),
        "Data": _short(metadata.get("data_fingerprint")),
        "Checksums": "Match" if model.verified else "None: stored by an earlier release",
    }
    st.html(
        '<dl class="facts">'
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
            for name, value in facts.items()
            if value is not None
        )
        + "</dl>"
    )
    promotion.render_promotions(model.promotions)
    if model.per_class_accuracy:
        _render_class_charts(model, others)
    _render_confusion_matrix(model)
    training_charts.render_version_charts(model.epochs, key=model.version)


def _render_class_charts(model: Model, others: list[Model]) -> None:
    """Render the accuracy by class, compared with another version if one has the same metric.

    `others` are the versions to choose from, the default first.
    """
    by_version = {other.version: other for other in others if other.per_class_accuracy}
    height = per_class.height_for(len(model.per_class_accuracy), CLASSES_HEIGHT)
    if not by_version:
        figure = per_class.accuracy_chart(model, None)
        chart(figure, key=f"classes_{model.version}", height=height)
        return
    chosen = st.selectbox(
        "Compare with",
        list(by_version),
        format_func=lambda version: per_class.version_label(by_version[version]),
        key=f"compare_{model.version}",
    )
    other = by_version[chosen]
    left, right = st.columns(2, gap="medium")
    with left:
        figure = per_class.accuracy_chart(model, other)
        chart(figure, key=f"classes_{model.version}", height=height)
    with right:
        figure = per_class.comparison_chart(model, other)
        chart(figure, key=f"gains_{model.version}", height=height)


def _render_confusion_matrix(model: Model) -> None:
    matrix, names = model.metadata.get("confusion_matrix"), model.metadata.get("class_names")
    if not matrix or not names:
        return
    figure = per_class.confusion_matrix_chart(matrix, names)
    height = per_class.height_for(len(names), CONFUSION_HEIGHT)
    chart(figure, key=f"mistakes_{model.version}", height=height)
    st.caption("Test pictures. Rows: true class. Columns: predicted class.")


def _others(model: Model, models: list[Model]) -> list[Model]:
    """Return every other version: the live one first, then the newest."""
    others = [other for other in models if other.tag != model.tag]
    return sorted(others, key=lambda other: not other.champion)


def _render_accuracy(model: Model, champion: Model | None) -> None:
    if model.accuracy is None:
        st.write("Accuracy unknown")
        return
    compared = champion.accuracy if champion is not None and not model.champion else None
    accuracy_metric("Test accuracy", model.accuracy, compared, against="the live version")


def _summary(model: Model) -> str:
    knows = own_classes.version_line(model, choices.builtin())
    parts = [ago(model.created_at), str(model.metadata.get("recipe", "")), knows]
    return " · ".join(part for part in parts if part)


def _workers_text(model: Model) -> str:
    state = model_status.current_state()
    if not isinstance(state, classifier.Ready):
        return ""
    if state.tag != model.tag:
        return f"soon: {escape(version_of(state.tag))} still answers"
    return f"on {counted(state.workers, 'worker')}"


def _badges(model: Model, *, in_shadow: bool) -> str:
    """Return badges for the status of a version that is not live."""
    badges = [_BADGES[model.status]] if model.status in _BADGES else []
    if in_shadow:
        badges.append(("ready", "Shadow test"))
    return "".join(f'<div class="badge {kind}"><b>{text}</b></div>' for kind, text in badges)


def _consequence(model: Model, champion: Model | None) -> str:
    new = f"Version **{plain(model.version)}**{_accuracy_in_brackets(model)}"
    if champion is None:
        return f"{new} goes live."
    return f"{new} replaces **{plain(champion.version)}**{_accuracy_in_brackets(champion)}."


def _accuracy_in_brackets(model: Model) -> str:
    return "" if model.accuracy is None else f" ({percent(model.accuracy)})"


def _percent(value: object) -> str | None:
    return percent(value) if isinstance(value, int | float) else None


def _duration(value: object) -> str | None:
    return duration(value) if isinstance(value, int | float) else None


def _short(fingerprint: object) -> str | None:
    return fingerprint[:12] if isinstance(fingerprint, str) else None


def _thousands(value: object) -> str | None:
    return f"{value:,.0f}" if isinstance(value, int | float) else None


def _decimals(value: object) -> str | None:
    return f"{value:.2f}" if isinstance(value, int | float) else None


render_page()
