"""Models: every version there is, which one is served, and the way to another."""

from html import escape

import streamlit as st

from app.charts import learning_curves, per_class
from app.charts.accuracy_metric import accuracy_metric
from app.clients import classifier, trainer
from app.clients.classifier import version_of
from app.clients.http import ServiceError
from app.clients.trainer import Model, PromotionRecord
from app.components.chart import chart
from app.sections import gate_report, model_status, promotion, shadow_card, trainer_notice
from app.text.formatting import ago, bullets, duration, moment, percent, size

SHOWN_AT_FIRST = 8
LONGEST_REASON = 500  # characters; the trainer takes no more
CLASSES_HEIGHT = 380
MISTAKES_HEIGHT = 420

_MARKS = {
    "candidate": ("waiting", "Candidate"),
    "former": ("idle", "Served before"),
    "stored": ("idle", "Never served"),
}
_VERBS = {"candidate": "Promote anyway", "former": "Go back to this version"}


def page() -> None:
    """The whole page."""
    st.title("Models")
    st.write("Every version that was trained. One is served; any other can take its place.")
    try:
        models = trainer.models()
    except ServiceError as error:
        trainer_notice.show(error, "The version that is served goes on answering meanwhile.")
        return
    promotion.tell()
    if not models:
        st.info("There is no version yet. The first one is trained on the Retrain page, or above.")
        return
    champion = next((model for model in models if model.champion), None)
    if champion is None:
        st.warning("No version is chosen to be served. Promote one.")
    else:
        st.markdown(
            f"Version **{champion.version}** is served. One that was served before comes back with "
            "one click."
        )
    place = shadow_card.place()
    wanted = st.query_params.get("version")
    everything = st.session_state.get("all_versions", False)
    for model in models if everything else models[:SHOWN_AT_FIRST]:
        others = _others(model, models)
        card(model, champion, others, place, opened=wanted == model.version)
    hidden = len(models) - SHOWN_AT_FIRST
    if hidden > 0 and not everything and st.button(f"Show {hidden} older versions"):
        st.session_state["all_versions"] = True
        st.rerun()


def card(
    model: Model,
    champion: Model | None,
    others: list[Model],
    place: shadow_card.Place | None,
    *,
    opened: bool,
) -> None:
    """One version: its figures, its details, its buttons."""
    shadow = place.taken if place is not None else None
    shadows = shadow is not None and shadow.version == model.version
    with st.container(border=True, key=f"model_{model.version}"):
        head, figures, action = st.columns([2.2, 2.2, 1.4], vertical_alignment="center")
        with head:
            st.html(
                f'<div class="version"><strong>{escape(model.version)}</strong>'
                f"<span>{escape(_summary(model))}</span>{_marks(model, shadows=shadows)}</div>"
            )
        with figures:
            _accuracy(model, champion)
        with action:
            if model.champion:
                st.html(f'<div class="badge ready"><b>Served</b> {_by_workers(model)}</div>')
            elif st.button(_verb(model), key=f"promote_{model.version}", width="stretch"):
                if model.status == "former":
                    promotion.promote(model.version)
                else:
                    confirm(model, champion)
            if place is not None and champion is not None and not model.champion:
                shadow_card.offer(model, shadow)
        if shadows:
            shadow_card.show(model)
        if model.status == "candidate" and model.gate is not None:
            st.markdown(f"Held back:\n\n{bullets(model.gate.reasons)}")
        # Charts that nobody looks at are not drawn: there are several for each version.
        folded = st.expander(
            "Details", expanded=opened, key=f"details_{model.version}", on_change="rerun"
        )
        if folded.open:
            with folded:
                details(model, others)


@st.dialog("Serve another version?")
def confirm(model: Model, champion: Model | None) -> None:
    """Says what will happen, does it, and says how long it took."""
    candidate = model.status == "candidate"
    st.markdown(_consequence(model, champion))
    if candidate and model.gate is not None:
        st.markdown(f"It was held back:\n\n{bullets(model.gate.reasons)}")
    st.markdown("Requests that are under way are answered by the old version. None fails.")
    with st.form("promotion", border=False):
        reason = why() if candidate else None
        go_on, leave = st.columns(2)
        with leave:
            left = st.form_submit_button("Leave it", width="stretch", key="leave")
        with go_on:
            confirmed = st.form_submit_button(
                "Serve it anyway" if candidate else "Serve it",
                type="primary",
                width="stretch",
                key="confirm",
            )
    if left:
        st.rerun()
    if not confirmed:
        return
    if reason == "":
        st.error("Say why first. A word is enough.")
        return
    promotion.promote(model.version, reason)


def why() -> str:
    """What a person writes who promotes a candidate, without white space around it."""
    written = st.text_input(
        "Why serve it anyway?",
        max_chars=LONGEST_REASON,
        help="It is kept with the promotion, and shown in the version's details",
        key="reason",
    )
    return written.strip()


def details(model: Model, others: list[Model]) -> None:
    """What training wrote about it, and how it compares with one of `others`."""
    gate_report.show(model)
    st.markdown("## How it was made")
    known = model.metadata
    facts = {
        "Trained": moment(model.created_at),
        "Recipe": known.get("recipe"),
        "Network": known.get("network"),
        "Parameters": _thousands(known.get("parameters")),
        "Epochs": known.get("epochs"),
        "Training took": _duration(known.get("duration_seconds")),
        "Validation accuracy": _percent(known.get("validation_accuracy")),
        "Calibration error": _percent(known.get("calibration_error")),
        "Temperature": _decimals(known.get("temperature")),
        "Author": known.get("author"),
        "Seed": known.get("seed"),
        "Corrections used": len(known.get("corrections_used") or ()),
        "Size": size(model.size_bytes),
        "Code": _short(known.get("git_revision")),
        "Data": _short(known.get("data_fingerprint")),
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
    _show_turns(model.promotions)
    if model.per_class_accuracy:
        _show_classes(model, others)
    _show_mistakes(model)
    learning_curves.show_epochs(model.epochs, key=model.version)


def _show_classes(model: Model, others: list[Model]) -> None:
    """How it does class by class, beside another version if there is one that knows its classes.

    `others` are those to choose from, the one to begin with first.
    """
    by_version = {other.version: other for other in others if other.per_class_accuracy}
    if not by_version:
        chart(
            per_class.accuracies(model, None), key=f"classes_{model.version}", height=CLASSES_HEIGHT
        )
        return
    chosen = st.selectbox(
        "Compare with",
        list(by_version),
        format_func=lambda version: per_class.named(by_version[version]),
        key=f"compare_{model.version}",
    )
    other = by_version[chosen]
    left, right = st.columns(2, gap="medium")
    with left:
        figure = per_class.accuracies(model, other)
        chart(figure, key=f"classes_{model.version}", height=CLASSES_HEIGHT)
    with right:
        figure = per_class.gains(model, other)
        chart(figure, key=f"gains_{model.version}", height=CLASSES_HEIGHT)


def _show_mistakes(model: Model) -> None:
    counts, names = model.metadata.get("confusion_matrix"), model.metadata.get("class_names")
    if not counts or not names:
        return
    figure = per_class.mistakes(counts, names)
    chart(figure, key=f"mistakes_{model.version}", height=MISTAKES_HEIGHT)
    st.caption(
        "Test pictures. A row is what they show, a column what the version says; "
        "the pale diagonal is what it names right."
    )


def _show_turns(turns: tuple[PromotionRecord, ...]) -> None:
    """When it was promoted, by whom and why, the last time first."""
    if not turns:
        return
    st.markdown("## Promotions")
    st.html(f'<ol class="turns">{"".join(_turn(turn) for turn in reversed(turns))}</ol>')


def _turn(turn: PromotionRecord) -> str:
    by = "after a run, by the gate" if turn.by == "gate" else f"by a {turn.by}"
    instead = f", instead of {version_of(turn.previous)}" if turn.previous else ""
    reason = f"<q>{escape(turn.reason)}</q>" if turn.reason else ""
    return f"<li><b>{escape(moment(turn.time))}</b> {escape(by + instead)}{reason}</li>"


def _others(model: Model, models: list[Model]) -> list[Model]:
    """Every version but this one: the one that is served, then the newest first."""
    others = [other for other in models if other.tag != model.tag]
    return sorted(others, key=lambda other: not other.champion)


def _accuracy(model: Model, champion: Model | None) -> None:
    if model.accuracy is None:
        st.write("Accuracy unknown")
        return
    compared = champion.accuracy if champion is not None and not model.champion else None
    accuracy_metric("Accuracy on test pictures", model.accuracy, compared, against="the one served")


def _summary(model: Model) -> str:
    parts = [ago(model.created_at), str(model.metadata.get("recipe", ""))]
    return " · ".join(part for part in parts if part)


def _by_workers(model: Model) -> str:
    state = model_status.state()
    if not isinstance(state, classifier.Ready):
        return ""
    if state.tag != model.tag:
        return f"soon: {escape(version_of(state.tag))} still answers"
    return "by 1 worker" if state.workers == 1 else f"by {state.workers} workers"


def _marks(model: Model, *, shadows: bool) -> str:
    """Where it stands, beside the one that is served."""
    marks = [_MARKS[model.status]] if model.status in _MARKS else []
    if shadows:
        marks.append(("ready", "In the shadow"))
    return "".join(f'<div class="badge {kind}"><b>{words}</b></div>' for kind, words in marks)


def _verb(model: Model) -> str:
    return _VERBS.get(model.status, "Promote")


def _consequence(model: Model, champion: Model | None) -> str:
    new = f"Version **{model.version}**{_in_brackets(model)}"
    if champion is None:
        return f"{new} will answer every request."
    return f"{new} takes the place of **{champion.version}**{_in_brackets(champion)}."


def _in_brackets(model: Model) -> str:
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


page()
